/// A process or one of its threads.
public struct ProcessRow: ViewRow {
    /// The process's number in the first PID namespace.
    public var pid: Int32
    /// The thread's number; that of a process's first thread is the process's.
    public var thread: Int32
    /// The number of the process that gets its status when it ends; 0 for the first ones.
    public var parent: Int32?
    /// The effective user's number in the first user namespace: the one that `ps` shows.
    public var user: UInt32?
    /// What it is doing.
    public var state: ProcessState
    /// How many threads the process has.
    public var threadCount: Int?
    /// Nanoseconds on a processor: a process's of all its threads, those that have ended included. The sum of
    /// what /proc/PID/stat calls utime and stime: the kernel divides exactly this sum between them. It is kept
    /// at each tick and change of task, so of what runs the last few milliseconds may be missing.
    public var processorTime: UInt64?
    /// Bytes of RAM that it maps: private, of files and shared. Nil for what has no memory of its own.
    /// More exact than /proc/PID/statm, which leaves out what single threads or processors have counted last.
    public var residentSize: UInt64?
    /// Bytes of address space. Nil for what has no memory of its own.
    public var virtualSize: UInt64?
    /// When it was started, in nanoseconds since the guest's boot, time suspended included.
    public var start: UInt64
    /// A thread of the kernel.
    public var isKernelThread: Bool
    /// Its control group of version 2, as in /proc/PID/cgroup. Nil without details.
    public var controlGroup: String?
    /// What the kernel calls it: 15 bytes, of the program's file unless it renamed itself.
    public var name: String
    /// The arguments with blanks between; the name in brackets if there are none, as of kernel threads, or if
    /// they are not in RAM. Without details the name.
    public var command: String

    /// Which process: numbers come back, with another start.
    public struct Identity: Hashable, Sendable {
        let thread: Int32
        let start: UInt64
    }

    /// All but counters and state.
    public struct Settled: Equatable, Sendable {
        let pid: Int32
        let parent: Int32?
        let user: UInt32?
        let isKernelThread: Bool
        let controlGroup: String?
        let name: String
        let command: String
    }

    /// What the row tells, in the order of a table.
    public static let columns: [ViewColumn] = [
        ViewColumn("PID", "pid", isNumber: true),
        ViewColumn("PPID", "ppid", isNumber: true),
        ViewColumn("UID", "uid", isNumber: true),
        ViewColumn("STATE", "state"),
        ViewColumn("THR", "threads", isNumber: true),
        ViewColumn("TIME", "time", isNumber: true),
        ViewColumn("RSS", "rss", isNumber: true),
        ViewColumn("", "vsize", isNumber: true),
        ViewColumn("START", "start", isNumber: true),
        ViewColumn("", "kernelThread"),
        ViewColumn("", "cgroup"),
        ViewColumn("", "name"),
        ViewColumn("COMMAND", "command"),
    ]

    /// The values, in the order of the columns.
    public var cells: [ViewValue] {
        [
            .number(Int64(pid)),
            parent.map { .number(Int64($0)) } ?? .none,
            user.map { .number(Int64($0)) } ?? .none,
            .text(String(state.rawValue)),
            threadCount.map { .number(Int64($0)) } ?? .none,
            processorTime.map { .duration($0) } ?? .none,
            residentSize.map { .size($0) } ?? .none,
            virtualSize.map { .size($0) } ?? .none,
            .duration(start),
            .flag(isKernelThread),
            controlGroup.map { .text($0) } ?? .none,
            .text(name),
            .text(command),
        ]
    }

    /// The number and the start.
    public var identity: Identity { Identity(thread: thread, start: start) }

    /// All but counters and state.
    public var settled: Settled {
        Settled(
            pid: pid, parent: parent, user: user, isKernelThread: isKernelThread,
            controlGroup: controlGroup, name: name, command: command)
    }
}

/// A thread: a row of its process with the thread's own number, state, time, start and name.
public struct ThreadRow: ViewRow {
    /// The thread.
    public var thread: ProcessRow

    /// What the row tells, in the order of a table.
    public static let columns: [ViewColumn] =
        [ProcessRow.columns[0], ViewColumn("TID", "tid", isNumber: true)] + ProcessRow.columns.dropFirst()

    /// The values, in the order of the columns.
    public var cells: [ViewValue] {
        let cells = thread.cells
        return [cells[0], .number(Int64(thread.thread))] + cells.dropFirst()
    }

    /// The number and the start.
    public var identity: ProcessRow.Identity { thread.identity }

    /// All but counters and state.
    public var settled: ProcessRow.Settled { thread.settled }
}
