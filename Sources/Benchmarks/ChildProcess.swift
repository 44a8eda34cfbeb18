internal import Glibc
internal import HostSystem

/// A program to start: its words, and what it can read on descriptor 3.
struct Command {
    var words: [String]
    var specification: String?
}

/// How a process ended and what it took.
struct ProcessEnd {
    /// Its exit status, or 256 and the signal's number.
    let status: Int32
    let cpuMilliseconds: Double
    /// From before it was made to after it was reaped.
    let wallMilliseconds: Double
}

/// Both ends of a pipe, close-on-exec.
private struct Pipe: ~Copyable {
    let readEnd: OwnedDescriptor
    let writeEnd: OwnedDescriptor

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        // SAFETY: room for two descriptors.
        guard unsafe pipe(&ends) == 0 else { throw SystemError("make a pipe", number: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        readEnd = OwnedDescriptor(takingOver: ends[0])
        writeEnd = OwnedDescriptor(takingOver: ends[1])
    }

    consuming func intoReadEnd() -> OwnedDescriptor { readEnd }

    /// A descriptor that gives a text, which must be short: the pipe holds it.
    static func holding(_ text: String) throws(SystemError) -> OwnedDescriptor {
        let pipe = try Pipe()
        try DescriptorIO.writeAll(pipe.writeEnd.number, Array(text.utf8))
        return pipe.intoReadEnd()
    }
}

/// A process this one started and watches: its standard output is a pipe, its input is empty. It is killed
/// if its owner lets go of it before its end.
struct ChildProcess: ~Copyable {
    let identifier: pid_t
    let output: OwnedDescriptor
    /// When it was started, by `HostClock.monotonicNanoseconds`.
    let started: UInt64
    private var isReaped = false

    /// The environment is the same for all, whatever the caller's: two runs are to be alike.
    /// Nobody divides CPUs while machines are measured.
    private static let environment = [
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C", "ROOST_UNMANAGED=1",
    ]

    init(_ command: Command) throws(SystemError) {
        let output = try Pipe()
        let input = try Pipe.holding(command.specification ?? "")
        var actions = unsafe posix_spawn_file_actions_t()
        // SAFETY: the structure is ours, initialised here and destroyed below; the descriptors stay open
        // until the child has been made.
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output.writeEnd.number, 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, input.number, 3)

        var identifier: pid_t = 0
        let start = HostClock.monotonicNanoseconds()
        // SAFETY: both lists end with nil and are valid until the call returns, when the child has left
        // this process's memory.
        let result = unsafe Self.withCStrings(command.words) { words in
            unsafe Self.withCStrings(Self.environment) { environment in
                unsafe posix_spawn(&identifier, command.words[0], &actions, nil, words, environment)
            }
        }
        guard result == 0 else { throw SystemError("start \(command.words[0])", number: result) }
        self.identifier = identifier
        self.output = output.intoReadEnd()
        started = start
    }

    deinit {
        guard !isReaped else { return }
        kill(identifier, SIGKILL)
        waitpid(identifier, nil, 0)
    }

    func signal(_ number: Int32) { kill(identifier, number) }

    /// The CPU time it has used so far, all its threads together.
    var cpuMilliseconds: Double {
        var time = timespec()
        // The number of a process's CPU clock, as clock_getcpuclockid(3) makes it.
        let clock = clockid_t(bitPattern: ~UInt32(identifier) << 3 | 2)
        // SAFETY: the structure is ours; an unknown clock is an error.
        guard unsafe clock_gettime(clock, &time) == 0 else { return .nan }
        return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
    }

    /// Waits for its end.
    mutating func reap() throws(SystemError) -> ProcessEnd {
        var status: Int32 = 0
        var usage = rusage()
        // SAFETY: both are ours.
        guard unsafe wait4(identifier, &status, 0, &usage) == identifier else {
            throw SystemError("wait for process \(identifier)", number: errno)
        }
        isReaped = true
        let microseconds = [usage.ru_utime, usage.ru_stime].map {
            Double($0.tv_sec) * 1e6 + Double($0.tv_usec)
        }
        return ProcessEnd(
            status: status & 0x7F == 0 ? status >> 8 & 0xFF : 256 + (status & 0x7F),
            cpuMilliseconds: (microseconds[0] + microseconds[1]) / 1000,
            wallMilliseconds: Double(HostClock.monotonicNanoseconds() - started) / 1e6)
    }
}

extension ChildProcess {
    /// Calls with a C array of C strings that ends with nil.
    private static func withCStrings<Result>(
        _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        // SAFETY: each copy is freed below.
        var pointers = unsafe texts.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        // SAFETY: each was allocated by strdup, or is nil.
        defer { unsafe pointers.forEach { pointer in unsafe free(pointer) } }
        // SAFETY: the strings live until the deferred free, the array as long as the call.
        return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else {
                preconditionFailure("an array with a nil has an element")
            }
            return unsafe body(base)
        }
    }
}
