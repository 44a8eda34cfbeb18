import Glibc
import HostSystem

/// Runs something while this process starts no other.
///
/// A process that is being started has copies of all descriptors here, until it runs its program: a pipe, a
/// socket or a lock then outlives its owner for a moment, and is seen in two processes. Tests run side by
/// side, so what counts on the end of a descriptor, or on who has it, is done in here. Starting a process is
/// done in here too; hence none can be started within.
public func withNoProcessBeingStarted<Result>(_ body: () throws -> Result) rethrows -> Result {
    processStart.lock()
    defer { processStart.unlock() }
    return try body()
}

private let processStart = FutexLock()

/// A pipe whose two ends close with their owners. Our ends do not block.
struct Pipe {
    final class End {
        let number: Int32
        private var isOpen = true
        private(set) var isAtEnd = false

        init(_ number: Int32) {
            self.number = number
        }

        deinit {
            close()
        }

        func close() {
            if isOpen { Glibc.close(number) }
            isOpen = false
            isAtEnd = true
        }

        /// Nil if there is nothing now, empty at the end.
        func read(_ limit: Int) -> [UInt8]? {
            guard !isAtEnd else { return [] }
            let bytes = readOnce(number, limit)
            if let bytes, bytes.isEmpty { isAtEnd = true }
            return bytes
        }
    }

    let reader: End
    let writer: End

    /// With no process being started: one started between pipe(2) and FD_CLOEXEC would keep the ends open.
    init() throws {
        var ends: [Int32] = [-1, -1]
        // SAFETY: pipe(2) writes two integers.
        guard unsafe pipe(&ends) == 0 else { throw TestFailure("no pipe: errno \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        reader = End(ends[0])
        writer = End(ends[1])
    }

    /// Makes the ends that stay with the test non-blocking, once the child has its own.
    static func makeNonBlocking(_ number: Int32) {
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
    }
}

/// What posix_spawn(3) does in the child before it runs.
struct SpawnActions {
    private var steps: [Step] = []

    private enum Step {
        case duplicate(Int32, Int32)
        case open(String, Int32, Int32)
        case close(Int32)
    }

    mutating func duplicate(_ descriptor: Int32, to target: Int32) {
        steps.append(.duplicate(descriptor, target))
    }
    mutating func open(_ path: String, _ flags: Int32, as target: Int32) {
        steps.append(.open(path, flags, target))
    }
    mutating func close(_ target: Int32) { steps.append(.close(target)) }

    /// Starts the program in a session of its own, with default signals.
    func spawn(_ executable: String, _ arguments: [String], environment: [String: String]) throws -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        var none = sigset_t()
        var all = sigset_t()
        // SAFETY: all structures are ours and initialised here before their use.
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        unsafe sigemptyset(&none)
        unsafe sigfillset(&all)
        defer {
            // SAFETY: initialised above.
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        for step in steps {
            // SAFETY: the path is a C string for the call, which copies it.
            switch step {
            case .duplicate(let from, let to):
                unsafe posix_spawn_file_actions_adddup2(&actions, from, to)
            case .open(let path, let flags, let to):
                unsafe posix_spawn_file_actions_addopen(&actions, to, path, flags, 0o600)
            case .close(let number): unsafe posix_spawn_file_actions_addclose(&actions, number)
            }
        }
        let setSession: Int32 = 0x80
        // SAFETY: as above.
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setsigdefault(&attributes, &all)
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(setSession | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)))
        var process: pid_t = 0
        let words = Strings([executable] + arguments)
        let variables = Strings(Self.inherited.merging(environment) { $1 }.map { "\($0.key)=\($0.value)" })
        // SAFETY: both vectors end with a null pointer and live until the call is over.
        let result = unsafe posix_spawn(
            &process, executable, &actions, &attributes, words.pointers, variables.pointers)
        guard result == 0 else { throw TestFailure("cannot start \(executable): errno \(result)") }
        return process
    }

    /// The test's own environment without what would change Roost. A resource manager for each run directory
    /// would be one too many for tests that are not about it: those set `ROOST_UNMANAGED` to nothing.
    private static let inherited: [String: String] = [
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "ROOST_UNMANAGED": "1",
    ]

    /// A vector of C strings.
    @safe
    private final class Strings {
        var pointers: [UnsafeMutablePointer<CChar>?]

        init(_ texts: [String]) {
            // SAFETY: each copy is freed by deinit.
            unsafe pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
        }

        deinit {
            // SAFETY: made by strdup and not used after this.
            unsafe pointers.forEach { unsafe free($0) }
        }
    }
}
