internal import HostSystem
internal import Synchronization

/// The threads `io0`, `io1`, … and the loops they run, which devices are spread over.
///
/// The first one is there before the machine starts: it makes the devices while others set up KVM.
final class IOThreads: Sendable {
    /// What the first thread does when it has done its first work.
    private enum Command {
        case wait
        case serve
        case end
    }

    private let loops: [EventLoop]
    private let threads = Mutex<[HostThread]>([])
    private let command = Monitor(Command.wait)

    /// - Parameter count: at least 1.
    init(count: Int) throws(SystemError) {
        var loops: [EventLoop] = []
        for _ in 0..<count { loops.append(try EventLoop()) }
        self.loops = loops
    }

    /// The loop for the device with a number.
    func loop(for device: Int) -> EventLoop { loops[device % loops.count] }

    /// Starts the first thread with some work; nothing of its loop happens before `start`. Once.
    func begin(_ work: @escaping @Sendable () -> Void) throws(SystemError) {
        // Not `self`, which whoever owns it may let go of, and ends the thread then.
        let loop = loops[0]
        try add(0) { [command] in
            work()
            let mustServe = command.wait { command -> Bool? in
                switch command {
                case .wait: nil
                case .serve: true
                case .end: false
                }
            }
            if mustServe { loop.run() }
        }
    }

    /// Starts the other threads, and all loops. Once, after `begin`.
    func start() throws(SystemError) {
        command.update { $0 = .serve }
        for (number, loop) in loops.enumerated().dropFirst() { try add(number) { loop.run() } }
    }

    private func add(_ number: Int, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
        try threads.withLock { (threads) throws(SystemError) in
            threads.append(try HostThread(name: "io\(number)", body))
        }
    }

    /// Ends the threads and waits for them, and for the first one's work. Not from one of them.
    func stop() {
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for loop in loops { loop.stop() }
        command.update { if $0 == .wait { $0 = .end } }
        for thread in running { thread.join() }
    }
}
