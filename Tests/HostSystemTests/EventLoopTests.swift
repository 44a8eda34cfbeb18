import Foundation
import MachineTesting
import Synchronization
import Testing

@testable import HostSystem

/// What handlers were called, in order.
private final class CallLog: Sendable {
    private let entries = Mutex<[(Int, EventInterest)]>([])

    func add(_ who: Int, _ why: EventInterest) { entries.withLock { $0.append((who, why)) } }

    /// Everything since the last time.
    func take() -> [(Int, EventInterest)] {
        entries.withLock { entries in
            defer { entries = [] }
            return entries
        }
    }

    func takeNames() -> [Int] { take().map(\.0) }
}

extension EventLoop {
    /// Goes round once without waiting: a loop that is to stop looks what is ready, and does that.
    fileprivate func goRoundOnce() {
        stop()
        run()
    }
}

@Suite("Event loop")
struct EventLoopTests {
    private let loop: EventLoop
    private let log = CallLog()

    init() throws { loop = try EventLoop() }

    private func watch(
        _ event: borrowing EventDescriptor, _ name: Int, for interest: EventInterest = .readable
    )
        throws -> EventRegistration
    {
        let log = log
        return try loop.watch(event.descriptor.number, for: interest) { log.add(name, $0) }
    }

    @Test("A level is told as long as it is there, an edge once for every signal, unread")
    func levelAndEdge() throws {
        let level = try EventDescriptor()
        let edge = try EventDescriptor()
        _ = try watch(level, 1)
        _ = try watch(edge, 2, for: [.readable, .edgeTriggered])
        loop.goRoundOnce()
        #expect(log.takeNames() == [])
        level.signal()
        edge.signal()
        loop.goRoundOnce()
        #expect(log.takeNames().sorted() == [1, 2])
        loop.goRoundOnce()
        #expect(log.takeNames() == [1])
        level.drain()
        for _ in 0..<3 {
            edge.signal()
            loop.goRoundOnce()
            #expect(log.takeNames() == [2])
        }
        loop.goRoundOnce()
        #expect(log.takeNames() == [])
    }

    @Test("A handler learns why it is called: readable, writable, the other side gone")
    func reasons() throws {
        try withNoProcessBeingStarted { try reasonsInTurn() }
    }

    private func reasonsInTurn() throws {
        var ends: [Int32] = [0, 0]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let mine = OwnedDescriptor(takingOver: ends[0])
        let registration: EventRegistration
        do {
            let other = OwnedDescriptor(takingOver: ends[1])
            let log = log
            registration = try loop.watch(mine.number, for: .writable) { log.add(0, $0) }
            loop.goRoundOnce()
            #expect(log.take().map(\.1) == [.writable])
            try DescriptorIO.writeAll(other.number, [1])
            try loop.setInterest([.readable, .endOfInput], of: registration)
            loop.goRoundOnce()
            #expect(log.take().map(\.1) == [.readable])
        }
        loop.goRoundOnce()
        #expect(log.take().map(\.1) == [[.readable, .endOfInput, .hangUp]])
        try loop.setInterest([], of: registration)
        loop.goRoundOnce()
        #expect(log.takeNames() == [])
        loop.unwatch(registration)
    }

    @Test("A handler taken away by another in the same round is not called, nor later, nor is its successor")
    func staleEvent() throws {
        let one = try EventDescriptor()
        let two = try EventDescriptor()
        let registrations = Mutex<[EventRegistration]>([])
        let (loop, log) = (loop, log)
        for (name, number) in [one.descriptor.number, two.descriptor.number].enumerated() {
            let registration = try loop.watch(number, for: .readable) { why in
                log.add(name, why)
                let other = registrations.withLock { $0[1 - name] }
                loop.unwatch(other)
                // Gets the slot just freed; the event under way is not its own.
                _ = loop.watchSignals { log.add(9, []) }
            }
            registrations.withLock { $0.append(registration) }
        }
        one.signal()
        two.signal()
        loop.goRoundOnce()
        #expect(log.takeNames().count == 1)
        loop.goRoundOnce()
        #expect(log.takeNames().count == 1)
    }

    @Test("What a handler holds is let go of when it is taken away, or when the loop ends")
    func release() throws {
        final class Witness: Sendable {}
        weak var witness: Witness?
        let event = try EventDescriptor()
        do {
            let held = Witness()
            witness = held
            let registration = try loop.watch(event.descriptor.number, for: .readable) { _ in _ = held }
            loop.unwatch(registration)
            loop.unwatch(registration)
        }
        #expect(witness == nil)
        do {
            let other = try EventLoop()
            let held = Witness()
            witness = held
            _ = try other.watch(event.descriptor.number, for: .readable) { _ in _ = held }
        }
        #expect(witness == nil)
    }

    @Test("A handler that has more to do gets its turn in the next round, among the others, without a wait")
    func runAgain() throws {
        let busy = try EventDescriptor()
        let other = try EventDescriptor()
        let left = Mutex(3)
        let registration = Mutex<EventRegistration?>(nil)
        let (loop, log) = (loop, log)
        let otherNumber = other.descriptor.number
        _ = try loop.watch(otherNumber, for: [.readable, .edgeTriggered]) { log.add(2, $0) }
        let mine = try loop.watch(busy.descriptor.number, for: [.readable, .edgeTriggered]) { why in
            log.add(1, why)
            _ = try? DescriptorIO.write(otherNumber, [1, 0, 0, 0, 0, 0, 0, 0])
            let isDone = left.withLock { left in
                left -= 1
                return left == 0
            }
            guard !isDone, let mine = registration.withLock({ $0 }) else { return loop.stop() }
            loop.runAgain(mine)
        }
        registration.withLock { $0 = mine }
        busy.signal()
        loop.run()
        let calls = log.take()
        #expect(calls.map(\.0).filter { $0 == 1 }.count == 3)
        #expect(calls.map(\.0) == [1, 1, 2, 1, 2, 2] || calls.map(\.0) == [1, 1, 2, 1, 2])
        #expect(calls.first?.1 == .readable && calls[1].1 == [])
    }

    @Test("A descriptor that cannot be watched is an error that names it, and leaves nothing behind")
    func errors() throws {
        let path = TestHost.buildDirectory
        let directory = try OwnedDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        let number = directory.number
        #expect(throws: SystemError("watch the descriptor \(number)", number: EPERM)) {
            _ = try loop.watch(number, for: .readable) { _ in }
        }
        #expect(throws: SystemError("watch the descriptor -1", number: EBADF)) {
            _ = try loop.watch(-1, for: .readable) { _ in }
        }
    }

    @Test("Work is done in order, that of other threads too, and before the stop that came after it")
    func work() throws {
        let (loop, log) = (loop, log)
        let thread = try HostThread(name: "loop") { loop.run() }
        let workers = try (0..<4).map { worker in
            try HostThread(name: "asker\(worker)") {
                for number in 0..<500 { loop.enqueue { log.add(worker * 1000 + number, []) } }
            }
        }
        for worker in workers { worker.join() }
        loop.stop()
        thread.join()
        let done = log.takeNames()
        for worker in 0..<4 {
            #expect(done.filter { $0 / 1000 == worker } == (0..<500).map { worker * 1000 + $0 })
        }
    }

    @Test("No signal of another thread is lost, however the loop sleeps and wakes")
    func signals() throws {
        let (loop, log) = (loop, log)
        let answered = Monitor(0)
        let registration = loop.watchSignals { answered.update { $0 += 1 } }
        let thread = try HostThread(name: "loop") { loop.run() }
        // Each waits for its answer: a lost one would hang.
        for number in 0..<5000 {
            loop.signal(registration)
            _ = answered.wait { $0 > number ? true : nil }
        }
        loop.unwatch(registration)
        loop.signal(registration)
        loop.enqueue { log.add(1, []) }
        loop.stop()
        thread.join()
        #expect(answered.update { $0 } == 5000)
        #expect(log.takeNames() == [1])
    }

    @Test("Who asks something of a loop that is awake does not wake it")
    func noNeedlessWake() {
        let log = log
        let registration = loop.watchSignals { log.add(1, []) }
        loop.signal(registration)
        loop.signal(registration)
        loop.enqueue { log.add(2, []) }
        #expect(loop.alarm.drain() == false)
        loop.goRoundOnce()
        #expect(loop.alarm.drain() == false)
        // The signals are one reason.
        #expect(log.takeNames() == [2, 1])
        #expect(loop.rounds == 1 && loop.calls == 1)
    }

    @Test("A timer is told when its time has come, again and again if so set, and not once disarmed")
    func timer() throws {
        let timer = try TimerDescriptor()
        let (loop, log) = (loop, log)
        let registration = try loop.watch(timer.descriptor.number, for: [.readable, .edgeTriggered]) { why in
            log.add(1, why)
            loop.stop()
        }
        timer.set(afterNanoseconds: 0)
        loop.run()
        #expect(timer.drain() == 1)
        timer.set(afterNanoseconds: 1000, every: 1000)
        loop.run()
        #expect(timer.drain() > 0)
        loop.run()
        #expect(timer.drain() > 0)
        timer.disarm()
        #expect(timer.drain() == 0)
        _ = log.take()
        loop.goRoundOnce()
        #expect(log.takeNames() == [])
        timer.set(afterNanoseconds: .max, every: .max)
        loop.goRoundOnce()
        #expect(log.takeNames() == [])
        loop.unwatch(registration)
    }
}
