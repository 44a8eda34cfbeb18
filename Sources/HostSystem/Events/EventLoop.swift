internal import CLinux
internal import Glibc
internal import Synchronization

/// Calls handlers when descriptors are ready: epoll(7), for one thread, which calls `run`.
///
/// The loop goes round: it waits, and calls each handler that has a reason once. A handler does a bounded
/// amount of work, never blocks, and asks with `runAgain` for another turn if more is left, so that the
/// others get theirs. Going round allocates nothing; the only system call is the wait.
///
/// A handler may be called for a reason that is gone (another handler has taken what was there), or for
/// none: it tries, and finds nothing.
@safe
public final class EventLoop: @unchecked Sendable {
    // @unchecked: `again` belongs to the loop's thread; the rest is guarded, atomic or constant.

    private static let eventsPerWait = 64

    private let epoll: OwnedDescriptor
    private let table = Guarded(WatchTable())
    /// Wakes the loop. The kernel tells of each signal once (edge-triggered), so that it is never read.
    let alarm: EventDescriptor
    /// Handlers that want another turn. Of the loop's thread.
    private var again: [EventRegistration] = []
    private let roundCount = Atomic<UInt64>(0)
    private let callCount = Atomic<UInt64>(0)

    /// A loop that watches nothing yet.
    public init() throws(SystemError) {
        epoll = OwnedDescriptor(takingOver: try checked(clinux_epoll(), "make an event loop"))
        alarm = try EventDescriptor()
        // A slot that never is: the alarm only ends the wait.
        let interest: EventInterest = [.readable, .edgeTriggered]
        let event = clinux_epoll_event(events: interest.rawValue, slot: .max, generation: 0)
        try checked(clinux_epoll_add(epoll.number, alarm.descriptor.number, event), "make an event loop")
    }

    /// How often the loop has gone round. From any thread.
    public var rounds: UInt64 { roundCount.load(ordering: .relaxed) }

    /// How many handlers the loop has called. From any thread.
    public var calls: UInt64 { callCount.load(ordering: .relaxed) }

    /// Calls a handler whenever a descriptor is ready. From any thread.
    ///
    /// - Parameters:
    ///   - descriptor: stays open until it is unwatched; once a loop.
    ///   - interest: if empty, nothing is told, not even that the other side is gone.
    ///   - handler: called on the loop's thread.
    public func watch(
        _ descriptor: Int32, for interest: EventInterest,
        _ handler: @escaping @Sendable (EventInterest) -> Void
    ) throws(SystemError) -> EventRegistration {
        let registration = table.withLock { $0.add(Watcher(handler), descriptor: descriptor) }
        do {
            try setInterest(interest, of: registration)
        } catch {
            unwatch(registration)
            throw error
        }
        return registration
    }

    /// Adds a handler that is called only when it is signalled. From any thread.
    public func watchSignals(_ handler: @escaping @Sendable () -> Void) -> EventRegistration {
        table.withLock { $0.add(Watcher { _ in handler() }, descriptor: nil) }
    }

    /// Changes what a handler is told of, and tells it anew of what is ready. From any thread.
    ///
    /// Nothing happens if it is watched no more.
    public func setInterest(
        _ interest: EventInterest, of registration: EventRegistration
    ) throws(SystemError) {
        let epoll = epoll.number
        // The kernel is told with the lock held, so that it and the table agree.
        try table.withLock { table throws(SystemError) in
            guard let index = table.index(of: registration) else { return }
            let slot = table.slots[index]
            guard let descriptor = slot.descriptor else { return }
            let event = clinux_epoll_event(
                events: interest.rawValue, slot: registration.slot, generation: registration.generation)
            let result =
                switch (slot.isInKernel, !interest.isEmpty) {
                case (false, false): Int32(0)
                case (false, true): clinux_epoll_add(epoll, descriptor, event)
                case (true, true): clinux_epoll_change(epoll, descriptor, event)
                case (true, false): clinux_epoll_remove(epoll, descriptor)
                }
            try checked(result, "watch the descriptor \(descriptor)")
            table.setInKernel(!interest.isEmpty, at: index)
        }
    }

    /// Takes a handler away. Before its descriptor is closed.
    ///
    /// On the loop's thread: once this has returned, the handler is not called again. On any other, a call
    /// may be under way. A second time nothing happens.
    public func unwatch(_ registration: EventRegistration) {
        let epoll = epoll.number
        let gone = table.withLock { table -> Watcher? in
            guard let index = table.index(of: registration) else { return nil }
            if table.slots[index].isInKernel, let descriptor = table.slots[index].descriptor {
                _ = clinux_epoll_remove(epoll, descriptor)
            }
            return table.remove(at: index)
        }
        // What the handler held may end here: outside the lock, since its end may unwatch more.
        _ = consume gone
    }

    /// Calls a handler in the next round, without waiting before that. On the loop's thread.
    public func runAgain(_ registration: EventRegistration) {
        again.append(registration)
    }

    /// Calls a handler in the next round. From any thread; it allocates nothing, and wakes the loop only if
    /// it sleeps.
    public func signal(_ registration: EventRegistration) {
        let mustWake = table.withLock { table in
            guard table.signal(registration) else { return false }
            return Self.takeSleep(&table)
        }
        if mustWake { alarm.signal() }
    }

    /// Does some work on the loop's thread, once, in the order of these calls. From any thread.
    ///
    /// Work that comes after `stop` waits for the next `run`.
    public func enqueue(_ work: @escaping @Sendable () -> Void) {
        let mustWake = table.withLock { table in
            table.work.append(work)
            return Self.takeSleep(&table)
        }
        if mustWake { alarm.signal() }
    }

    /// Makes `run` return, once it has done all work enqueued before. From any thread, also before `run`.
    public func stop() {
        let mustWake = table.withLock { table in
            table.shouldStop = true
            return Self.takeSleep(&table)
        }
        if mustWake { alarm.signal() }
    }

    /// Whether the loop has to be woken; who is told so does it, and nobody else.
    private static func takeSleep(_ table: inout WatchTable) -> Bool {
        defer { table.isAsleep = false }
        return table.isAsleep
    }

    /// Waits and calls until `stop`. On one thread at a time, which is the loop's.
    public func run() {
        let size = Self.eventsPerWait
        // SAFETY: a buffer of `size` events, ours until the end of this function.
        let events = UnsafeMutablePointer<clinux_epoll_event>.allocate(capacity: size)
        unsafe events.initialize(repeating: clinux_epoll_event(), count: size)
        defer { unsafe events.deallocate() }
        var round: [Call] = []
        var work: [@Sendable () -> Void] = []
        var isOver = false
        while !isOver {
            let mayWait = again.isEmpty
            let timeout: Int32 = table.withLock { table in
                table.isAsleep = mayWait && !table.hasRequests
                return table.isAsleep ? -1 : 0
            }
            // SAFETY: the buffer holds `size` events. It cannot fail: the descriptor and the buffer are ours.
            let count = unsafe Int(clinux_epoll_wait(epoll.number, events, Int32(size), timeout))
            table.withLock { table in
                table.isAsleep = false
                isOver = table.shouldStop
                table.shouldStop = false
                swap(&work, &table.work)
                for registration in again {
                    if let index = table.index(of: registration) { table.take(index, [], into: &round) }
                }
                again.removeAll(keepingCapacity: true)
                table.takeSignalled(into: &round)
                for number in 0..<max(count, 0) {
                    let event = unsafe events[number]
                    let registration = EventRegistration(slot: event.slot, generation: event.generation)
                    guard let index = table.index(of: registration) else { continue }
                    table.take(index, EventInterest(rawValue: event.events), into: &round)
                }
                table.finish(round)
            }
            for index in work.indices { work[index]() }
            work.removeAll(keepingCapacity: true)
            var called: UInt64 = 0
            for index in round.indices where round[index].watcher.isWatched.load(ordering: .relaxed) {
                round[index].watcher.handler(round[index].reasons)
                called += 1
            }
            round.removeAll(keepingCapacity: true)
            // Plain additions: only this thread writes.
            roundCount.store(rounds &+ 1, ordering: .relaxed)
            callCount.store(calls &+ called, ordering: .relaxed)
        }
    }
}
