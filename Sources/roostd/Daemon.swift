internal import Glibc
internal import HostControl
internal import HostSystem
internal import Manager
internal import ManagerProtocol
internal import Specification

/// The process around a manager: the lock, the socket, signals, and who is told that it is ready.
struct Daemon {
    let directory: String
    let staysIdle: Bool
    let idleSeconds: Int
    let mechanism: MechanismChoice
    let isInBackground: Bool
    let readyDescriptor: Int32?

    /// How long the one who has the lock may take to end or to listen, in nanoseconds.
    private static let patience: UInt64 = 2_000_000_000

    func run() throws(SystemError) {
        try FileTree.makePrivateDirectory(directory)
        guard try FileTree.isOwnedByUser(directory) else {
            throw SystemError(
                "use the run directory \(directory)", number: EPERM,
                advice: "it is a link, or belongs to somebody else")
        }
        guard let lock = try acquireLock() else {
            // Another has won the race to start, and whoever wanted one has it.
            return
        }
        var configuration = ManagerConfiguration(runDirectory: directory)
        configuration.mechanism = mechanism
        let supervisor = ServiceManager()
        let inherited = supervisor.listener
        let staysIdle = self.staysIdle || inherited != nil || supervisor.isThere
        configuration.idleEnd = staysIdle ? nil : UInt64(idleSeconds) * 1_000_000_000
        let isInBackground = isInBackground
        // A reader that is gone is an error of the call, never a signal.
        _ = signal(SIGPIPE, SIG_IGN)
        do { try DescriptorLimit.raise() } catch {
            DescriptorIO.writeToStandardError("roostd: \(error)\n")
        }
        // Before there are other threads: they inherit what is blocked.
        let signals = try SignalDescriptor([.terminate, .interrupt])
        let log = DaemonLog(directory: directory)
        let core = try ManagerCore(configuration) { sentence in
            if isInBackground { log.makeRoom() }
            DescriptorIO.writeToStandardError("roostd: \(sentence)\n")
        }
        let listener: Int32
        if let inherited {
            listener = inherited
        } else {
            listener = try core.listen(backlog: 256).release()
        }
        if isInBackground { try log.open() }
        try core.stop(whenReadable: signals.descriptor.number)
        Task {
            do {
                try await HTTPServer(core).run(on: listener)
            } catch {
                // Without it nobody can be told anything. Machines run on, and the next manager takes over.
                DescriptorIO.writeToStandardError("roostd: the API has ended: \(error)\n")
                HostProcess.exit(ExitCode.osError.status)
            }
        }
        supervisor.tell("READY=1")
        tellReady()
        core.run()
        supervisor.tell("STOPPING=1")
        // Whoever comes now starts the next one, which waits for the lock.
        if inherited == nil { core.removeSocket() }
        _ = consume signals
        _ = consume lock
        HostProcess.exit(0)
    }

    /// - Returns: nil if another manager runs, and listens.
    private func acquireLock() throws(SystemError) -> FileLock? {
        let deadline = HostClock.monotonicNanoseconds() + Self.patience
        while true {
            if let lock = try FileLock.acquire(directory + "/" + ManagerFiles.lock) { return lock }
            if (try? LocalSocket.connect(to: directory + "/" + ManagerFiles.socket)) != nil { return nil }
            guard HostClock.monotonicNanoseconds() < deadline else {
                throw SystemError(
                    "be the manager of \(directory)", number: EBUSY,
                    advice: "another holds \(ManagerFiles.lock) and does not listen")
            }
            var pause = PollSet()
            try pause.wait(timeoutMilliseconds: 10)
        }
    }

    private func tellReady() {
        guard let readyDescriptor else { return }
        let descriptor = OwnedDescriptor(takingOver: readyDescriptor)
        // Who waits there sees the end of the pipe, too.
        _ = try? DescriptorIO.write(descriptor.number, [1])
    }
}
