internal import HostSystem
internal import Synchronization

/// The threads `io0`, `io1`, … and the loops they run, which devices are spread over.
final class IOThreads: Sendable {
    private let loops: [EventLoop]
    private let threads = Mutex<[HostThread]>([])

    /// - Parameter count: at least 1.
    init(count: Int) throws(SystemError) {
        var loops: [EventLoop] = []
        for _ in 0..<count { loops.append(try EventLoop()) }
        self.loops = loops
    }

    /// The loop for the device with a number.
    func loop(for device: Int) -> EventLoop { loops[device % loops.count] }

    /// Starts the threads. Once.
    func start() throws(SystemError) {
        try threads.withLock { (threads) throws(SystemError) in
            for (number, loop) in loops.enumerated() {
                threads.append(try HostThread(name: "io\(number)") { loop.run() })
            }
        }
    }

    /// Ends the threads and waits for them. Not from one of them.
    func stop() {
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for loop in loops { loop.stop() }
        for thread in running { thread.join() }
    }
}
