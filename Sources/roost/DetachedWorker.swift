internal import CLinux
internal import Glibc
internal import HostSystem
internal import Specification

// `roost run -d`: the worker in a session of its own, without the terminal.
extension Worker {
    /// Starts the worker and waits until the guest runs.
    ///
    /// It has this process's standard error until then, so that it tells itself what is wrong.
    /// - Returns: the worker's exit status if it ended instead; nil if the machine runs.
    static func start(running spec: MachineSpec) throws(CommandFailure) -> Int32? {
        let path = try find()
        do throws(SystemError) {
            let memory = try memoryFile(holding: Array(spec.jsonText().utf8))
            var ends: [Int32] = [-1, -1]
            // SAFETY: pipe(2) writes two integers.
            guard unsafe pipe(&ends) == 0 else { throw SystemError("make a pipe", number: errno) }
            let reader = OwnedDescriptor(takingOver: ends[0])
            let writer = OwnedDescriptor(takingOver: ends[1])
            let process = try spawn(path, spec.name, memory, writer)
            // The worker's is the only writing end now, so that its end is seen.
            _ = consume writer
            let started = try DescriptorIO.readAll(reader.number, limit: 1, operation: "wait for the machine")
            return started.isEmpty ? status(of: process) : nil
        } catch {
            throw CommandFailure(.osError, error)
        }
    }

    /// What the worker has open: nothing of whoever started it, which could be a pipe somebody waits on.
    private static let specification: Int32 = 3
    private static let ready: Int32 = 4

    private static func spawn(
        _ path: String, _ machine: String, _ memory: borrowing OwnedDescriptor,
        _ writer: borrowing OwnedDescriptor
    ) throws(SystemError) -> pid_t {
        let arguments = [
            name, "--name", machine, "--spec-fd", "\(specification)", "--ready-fd", "\(ready)",
        ]
        // Out of the way of the numbers they shall have.
        let sources = [memory.number, writer.number].map { fcntl($0, F_DUPFD, ready + 1) }
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
        unsafe posix_spawn_file_actions_adddup2(&actions, sources[0], specification)
        unsafe posix_spawn_file_actions_adddup2(&actions, sources[1], ready)
        unsafe clinux_spawn_close_from(&actions, ready + 1)
        unsafe posix_spawnattr_setflags(&attributes, newSession)
        // SAFETY: the copies are never freed: this process ends soon.
        let pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var process: pid_t = 0
        // SAFETY: C strings, and a vector that ends with a null pointer.
        let result = unsafe posix_spawn(&process, path, &actions, &attributes, pointers, environ)
        guard result == 0 else { throw SystemError("start \(path)", number: result) }
        return process
    }

    /// How the worker ended, as a shell would say it.
    private static func status(of process: pid_t) -> Int32 {
        var raw: Int32 = 0
        // SAFETY: the integer is ours. It is our child, and EINTR cannot be: no signal has a handler here.
        _ = unsafe waitpid(process, &raw, 0)
        return raw & 0x7F == 0 ? raw >> 8 & 0xFF : 128 + raw & 0x7F
    }
}
