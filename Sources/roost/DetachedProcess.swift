internal import CLinux
internal import Glibc
internal import HostSystem

/// A process in a session of its own, without this one's terminal and descriptors, that says when it is
/// ready by a byte on a pipe.
enum DetachedProcess {
    /// The first descriptor that a new process is given beyond the standard ones.
    static let firstDescriptor: Int32 = 3

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - arguments: all, the program's name first.
    ///   - descriptors: what it gets as `firstDescriptor`, the next, and so on. Nothing else of ours: that
    ///     could be a pipe somebody waits on.
    /// - Returns: its number.
    static func spawn(
        _ path: String, _ arguments: [String], descriptors: [Int32]
    ) throws(SystemError) -> pid_t {
        let end = firstDescriptor + Int32(descriptors.count)
        // Out of the way of the numbers they shall have.
        let sources = descriptors.map { fcntl($0, F_DUPFD, end) }
        defer { sources.forEach { close($0) } }
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        // SAFETY: both are ours, initialised here and destroyed once.
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawnattr_init(&attributes)
        defer {
            unsafe posix_spawn_file_actions_destroy(&actions)
            unsafe posix_spawnattr_destroy(&attributes)
        }
        let newSession: Int16 = 0x80  // POSIX_SPAWN_SETSID, which Glibc hides
        // SAFETY: as above; the paths are copied.
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        for (index, source) in sources.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, source, firstDescriptor + Int32(index))
        }
        unsafe clinux_spawn_close_from(&actions, end)
        unsafe posix_spawnattr_setflags(&attributes, newSession)
        // SAFETY: the copies are freed once, when the new process has its own.
        let pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe pointers.forEach { unsafe free($0) } }
        var process: pid_t = 0
        // SAFETY: C strings, and a vector that ends with a null pointer.
        let result = unsafe posix_spawn(&process, path, &actions, &attributes, pointers, environ)
        guard result == 0 else { throw SystemError("start \(path)", number: result) }
        return process
    }

    /// The two ends of a pipe, the reading one first.
    static func pipe() throws(SystemError) -> (reader: Int32, writer: Int32) {
        var ends: [Int32] = [-1, -1]
        // SAFETY: pipe(2) writes two integers.
        guard unsafe Glibc.pipe(&ends) == 0 else { throw SystemError("make a pipe", number: errno) }
        return (ends[0], ends[1])
    }

    /// Ends a child of ours at once.
    static func kill(_ process: pid_t) {
        // It is there until it is waited for.
        Glibc.kill(process, SIGKILL)
        _ = status(of: process)
    }

    /// How a child of ours ended, as a shell would say it. Waits for it.
    static func status(of process: pid_t) -> Int32 {
        var raw: Int32 = 0
        // SAFETY: the integer is ours. It is our child, and EINTR cannot be: no signal has a handler here.
        _ = unsafe waitpid(process, &raw, 0)
        return raw & 0x7F == 0 ? raw >> 8 & 0xFF : 128 + raw & 0x7F
    }
}
