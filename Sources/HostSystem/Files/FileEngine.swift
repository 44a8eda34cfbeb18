/// Carries out file commands while its owner goes on: by io_uring, or by threads where that is not to be
/// had.
///
/// One thread at a time. Its files and the memory of commands under way outlive it, or rather: whoever
/// owns it waits for all of them before letting go.
public enum FileEngine: ~Copyable, Sendable {
    /// io_uring.
    case ring(IORing)
    /// Threads.
    case workers(FileWorkers)

    /// Which engine is wanted.
    public enum Choice: Sendable {
        /// io_uring if this host has it, else threads.
        case automatic
        /// io_uring.
        case ring
        /// Threads.
        case workers
    }

    /// How many threads a disk without io_uring has.
    public static let workerCount = 4

    /// - Parameters:
    ///   - capacity: how many commands may be under way.
    ///   - files: descriptors that stay open as long as the engine, named by their place here.
    public static func make(
        _ choice: Choice, capacity: Int, files: [Int32]
    ) throws(SystemError) -> FileEngine {
        switch choice {
        case .ring:
            return .ring(try IORing(capacity: capacity, files: files))
        case .workers:
            return .workers(try FileWorkers(threads: workerCount, files: files))
        case .automatic:
            do {
                return .ring(try IORing(capacity: capacity, files: files))
            } catch {
                // Whatever the reason: threads need nothing that a process has not.
                return .workers(try FileWorkers(threads: workerCount, files: files))
            }
        }
    }

    /// Its name: `uring` or `threads`.
    public var name: String {
        switch self {
        case .ring: "uring"
        case .workers: "threads"
        }
    }

    /// Readable when there are completions; for an event loop, edge-triggered.
    public var descriptor: Int32 {
        switch self {
        case .ring(let ring): ring.descriptor
        case .workers(let workers): workers.descriptor
        }
    }

    /// Takes a command. It need not be under way before `submit`.
    @inline(__always)
    public func begin(_ command: FileCommand) {
        switch self {
        case .ring(let ring): ring.begin(command)
        case .workers(let workers): workers.begin(command)
        }
    }

    /// Sets all commands that were begun on their way.
    @inline(__always)
    public func submit() {
        switch self {
        case .ring(let ring): ring.submit()
        case .workers: break
        }
    }

    /// Takes a completion, if there is one. The order is that of completing.
    @inline(__always)
    public func next() -> FileCompletion? {
        switch self {
        case .ring(let ring): ring.next()
        case .workers(let workers): workers.next()
        }
    }

    /// Waits until there is a completion. Only with a command under way.
    public func wait() {
        switch self {
        case .ring(let ring): ring.wait()
        case .workers(let workers): workers.wait()
        }
    }
}
