internal import Glibc

/// Threads that carry out file commands, where there is no `IORing`.
///
/// Commands are begun and completions taken by one thread at a time.
public final class FileWorkers: Sendable {
    private struct Work {
        var waiting: [FileCommand] = []
        /// The first of `waiting` that nobody has taken.
        var first = 0
        var done: [FileCompletion] = []
        var isOver = false

        mutating func take() -> FileCommand? {
            guard first < waiting.count else { return nil }
            defer { first += 1 }
            return waiting[first]
        }

        mutating func add(_ command: FileCommand) {
            // What was taken goes when it is half of all: each command is moved once at most, on average.
            if first * 2 >= waiting.count {
                waiting.removeFirst(first)
                first = 0
            }
            waiting.append(command)
        }
    }

    /// What threads and owner have in common.
    private final class Desk: Sendable {
        let work = Monitor(Work())
        let event: EventDescriptor
        let files: [Int32]

        init(files: [Int32]) throws(SystemError) {
            event = try EventDescriptor()
            self.files = files
        }

        /// The outer nil: wait; the inner: go.
        private static func nextCommand(_ work: inout Work) -> FileCommand?? {
            if let command = work.take() { return .some(command) }
            return work.isOver ? .some(nil) : nil
        }

        func serve() {
            // What was begun is carried out, also at the end.
            while let command = work.wait(for: Self.nextCommand) {
                let result = command.execute(on: files[command.file])
                work.update { $0.done.append(FileCompletion(token: command.token, result: result)) }
                event.signal()
            }
        }
    }

    private let desk: Desk
    private let threads: [HostThread]

    /// - Parameters:
    ///   - threads: how many, at least 1.
    ///   - files: descriptors that stay open as long as the workers.
    public init(threads count: Int, files: [Int32]) throws(SystemError) {
        let desk = try Desk(files: files)
        var threads: [HostThread] = []
        do {
            for _ in 0..<count { threads.append(try HostThread(name: "disk") { desk.serve() }) }
        } catch {
            Self.end(threads, desk)
            throw error
        }
        self.desk = desk
        self.threads = threads
    }

    deinit {
        Self.end(threads, desk)
    }

    private static func end(_ threads: [HostThread], _ desk: Desk) {
        desk.work.update { $0.isOver = true }
        for thread in threads { thread.join() }
    }

    /// Signalled at each completion; for an event loop, edge-triggered.
    public var descriptor: Int32 { desk.event.descriptor.number }

    /// Hands a command to the threads.
    public func begin(_ command: FileCommand) {
        desk.work.update { $0.add(command) }
    }

    /// Takes a completion, if there is one.
    public func next() -> FileCompletion? {
        desk.work.update { $0.done.popLast() }
    }

    /// Waits until there is a completion. Only with a command under way.
    public func wait() {
        desk.work.wait { $0.done.isEmpty ? nil : () }
    }
}
