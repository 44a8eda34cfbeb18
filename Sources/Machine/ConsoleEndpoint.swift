internal import Glibc
internal import HostSystem
internal import Specification

/// The host's side of the console: where the guest's output goes and where its input comes from.
///
/// Nothing here blocks but a write to a regular file.
struct ConsoleEndpoint: ~Copyable {
    /// Where input comes from; nil if there is none, or no more.
    private(set) var input: Int32?
    /// Where output goes; nil drops it.
    let output: Int32?
    /// What people call the place where output goes.
    private let outputName: String
    /// Whether output goes to a file, whose disk can be full and empty again.
    let isFile: Bool
    /// The path of the pseudo-terminal people can open.
    let pseudoTerminalPath: String?
    /// Whether a person sits at the input.
    let isInteractive: Bool

    private let ownedOutput: OwnedDescriptor?
    private let ownedSlave: OwnedDescriptor?
    private let slave: Int32?

    /// Opens what the specification names, and puts a person's terminal into raw mode.
    static func open(_ spec: ConsoleSpec) throws(MachineError) -> ConsoleEndpoint {
        do {
            switch spec {
            // What a socket's console does is the hub's matter.
            case .none, .socket: return ConsoleEndpoint(input: nil, output: nil)
            case .stdio: return try standard()
            case .pty: return try pseudoTerminal()
            case .file(let path):
                // O_NONBLOCK: a named pipe without a reader is an error, not an endless wait.
                let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_NONBLOCK
                let file = try OwnedDescriptor.open(path, flags, mode: 0o644)
                return ConsoleEndpoint(
                    input: nil, output: file.number, outputName: path, isFile: true, ownedOutput: file)
            }
        } catch {
            throw .output(error)
        }
    }

    private init(
        input: Int32?, output: Int32?, outputName: String = "standard output", isFile: Bool = false,
        pseudoTerminalPath: String? = nil,
        isInteractive: Bool = false, ownedOutput: consuming OwnedDescriptor? = nil,
        slave: Int32? = nil, ownedSlave: consuming OwnedDescriptor? = nil
    ) {
        self.input = input
        self.output = output
        self.outputName = outputName
        self.isFile = isFile
        self.pseudoTerminalPath = pseudoTerminalPath
        self.isInteractive = isInteractive
        self.ownedOutput = ownedOutput
        self.slave = slave
        self.ownedSlave = ownedSlave
    }

    private static func standard() throws(SystemError) -> ConsoleEndpoint {
        let isTerminal = Terminal.isTerminal(STDIN_FILENO)
        // A job in the background must leave the terminal alone, or the kernel stops it.
        let isOurs = !isTerminal || tcgetpgrp(STDIN_FILENO) == getpgrp()
        if isTerminal && isOurs { try Terminal.makeRaw(STDIN_FILENO) }
        let input = isOurs && fcntl(STDIN_FILENO, F_GETFD) >= 0 ? STDIN_FILENO : nil
        guard fcntl(STDOUT_FILENO, F_GETFD) >= 0 else {
            return ConsoleEndpoint(input: input, output: nil, isInteractive: isTerminal && isOurs)
        }
        // O_NONBLOCK belongs to the open file, which the shell and others share: a private one is
        // opened where that is possible, so that a full pipe cannot hold up this thread.
        if let own = reopenedNonBlocking(STDOUT_FILENO) {
            return ConsoleEndpoint(
                input: input, output: own.number, isInteractive: isTerminal && isOurs, ownedOutput: own)
        }
        return ConsoleEndpoint(
            input: input, output: STDOUT_FILENO, isFile: isRegularFile(STDOUT_FILENO),
            isInteractive: isTerminal && isOurs)
    }

    private static func mode(of descriptor: Int32) -> mode_t {
        var status = stat()
        // SAFETY: the structure is ours.
        return unsafe fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : 0
    }

    private static func isRegularFile(_ descriptor: Int32) -> Bool {
        mode(of: descriptor) == S_IFREG
    }

    private static func reopenedNonBlocking(_ descriptor: Int32) -> OwnedDescriptor? {
        let kind = mode(of: descriptor)
        guard kind == S_IFIFO || (kind == S_IFCHR && Terminal.isTerminal(descriptor)) else { return nil }
        // Not allowed, for one, behind su(1): the shared open file has to do then.
        return try? OwnedDescriptor.open("/proc/self/fd/\(descriptor)", O_WRONLY | O_NONBLOCK | O_NOCTTY)
    }

    private static func pseudoTerminal() throws(SystemError) -> ConsoleEndpoint {
        let pair = try PseudoTerminal()
        let path = pair.slavePath
        // Kept open, so that people may come and go without the master reporting a hang-up for ever.
        let slave = try OwnedDescriptor.open(path, O_RDWR | O_NOCTTY)
        let master = pair.intoMaster()
        return ConsoleEndpoint(
            input: master.number, output: master.number, outputName: path, pseudoTerminalPath: path,
            ownedOutput: master, slave: slave.number, ownedSlave: slave)
    }

    /// What the people at the pseudo-terminal have not read yet; it is gone when this end closes.
    var unreadBytes: Int { slave.map(Terminal.unreadBytes) ?? 0 }

    /// The size of the terminal the person sits at, or of the pseudo-terminal, if there is one.
    var terminalSize: TerminalSize? {
        if isInteractive { return Terminal.size(STDIN_FILENO) }
        // Before anybody has said how large a pseudo-terminal is, it is 0 by 0.
        guard let slave, let size = Terminal.size(slave), size.columns > 0 else { return nil }
        return size
    }

    /// What has been typed; empty at the end of the input, which is then not watched any more.
    mutating func readInput(limit: Int) -> [UInt8] {
        guard let descriptor = input else { return [] }
        do {
            let bytes = try DescriptorIO.read(descriptor, limit: limit)
            if let bytes, bytes.isEmpty { input = nil }
            return bytes ?? []
        } catch {
            // A terminal that went away: as good as the end.
            input = nil
            return []
        }
    }

    /// Writes what fits now.
    ///
    /// - Returns: the number of bytes taken, 0 if there is no room.
    func writeOutput(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
        guard let output else { return bytes.count }
        // A pipe that poll(2) calls writable takes a page without blocking, should it be a shared one.
        do {
            return try DescriptorIO.write(output, bytes.prefix(4096))
        } catch {
            throw SystemError("write to \(outputName)", number: error.number)
        }
    }
}
