internal import ControlProtocol
internal import Glibc
internal import HostSystem
internal import Specification

/// A terminal, or a script's input and output, connected to a machine's console socket.
struct ConsoleSession: ~Copyable {
    /// Why it is over.
    enum End {
        /// The person left.
        case detached
        /// The person wants the machine stopped.
        case stopWished
        /// The machine closed the connection: it has ended.
        case closed
        /// Somebody wants this command gone.
        case signal(Signal)
    }

    private let socket: OwnedDescriptor
    private let signals: SignalDescriptor
    private let escapeKey: EscapeKey
    private let isInteractive: Bool
    private var filter: EscapeFilter
    /// Typed, and not taken by the machine yet.
    private var typed: [UInt8] = []
    private var hasMoreInput = true
    private var end: End?

    /// Keys are read on when the guest takes none, up to here, so that the escape key works.
    private static let longestPaste = 1 << 20

    /// Puts the terminal, if it is one, into raw mode.
    init(_ socket: consuming OwnedDescriptor, _ escapeKey: EscapeKey) throws(CommandFailure) {
        let isInteractive = Terminal.isTerminal(STDIN_FILENO)
        do {
            let signals = try SignalDescriptor([.hangup, .interrupt, .terminate])
            if isInteractive { try Terminal.makeRaw(STDIN_FILENO) }
            self.signals = signals
        } catch {
            throw CommandFailure(.osError, error)
        }
        self.socket = socket
        self.escapeKey = escapeKey
        self.isInteractive = isInteractive
        filter = EscapeFilter(key: isInteractive ? escapeKey.byte : nil)
    }

    /// Carries bytes both ways until one side has enough, and puts the terminal back.
    mutating func run() throws(CommandFailure) -> End {
        defer { Terminal.restore() }
        do {
            while true {
                if let end { return end }
                try step()
            }
        } catch {
            throw CommandFailure(.ioError, error)
        }
    }

    private mutating func step() throws(SystemError) {
        var events = PollSet()
        events.watch(signals.descriptor.number, for: .readable)
        events.watch(socket.number, for: typed.isEmpty ? .readable : [.readable, .writable])
        if hasMoreInput, typed.isEmpty || isInteractive && typed.count < Self.longestPaste {
            events.watch(STDIN_FILENO, for: .readable)
        }
        try events.wait(timeoutMilliseconds: nil)
        if let signal = signals.next() { end = .signal(signal) }
        if !events.readiness(of: STDIN_FILENO).isEmpty { try readKeys() }
        if !events.readiness(of: socket.number).isEmpty { try exchange() }
    }

    private mutating func readKeys() throws(SystemError) {
        guard let bytes = try DescriptorIO.read(STDIN_FILENO, limit: 4096) else { return }
        var commands: [EscapeFilter.Command] = []
        typed += filter.filter(bytes) { commands.append($0) }
        for command in commands { obey(command) }
        if bytes.isEmpty {
            hasMoreInput = false
            if typed.isEmpty { LocalSocket.endSending(socket) }
        }
    }

    private mutating func obey(_ command: EscapeFilter.Command) {
        switch command {
        case .detach: end = .detached
        case .quit: end = .stopWished
        case .menu:
            let menu = EscapeFilter.menu(key: escapeKey.description, isAttached: true)
            DescriptorIO.writeToStandardError("\nroost: \(menu)\n")
        case .tellSize:
            guard let size = Terminal.size(STDIN_FILENO) else { return }
            typed += Array("stty rows \(size.rows) cols \(size.columns)\r".utf8)
        }
    }

    private mutating func exchange() throws(SystemError) {
        do {
            if !typed.isEmpty {
                typed.removeFirst(try LocalSocket.send(typed[...], to: socket))
                if typed.isEmpty, !hasMoreInput { LocalSocket.endSending(socket) }
            }
            guard let bytes = try DescriptorIO.read(socket.number, limit: 64 << 10) else { return }
            guard !bytes.isEmpty else {
                end = end ?? .closed
                return
            }
            try Self.show(bytes)
        } catch  where error.number == EPIPE || error.number == ECONNRESET {
            // What it wrote before it closed is lost with a reset, which only a killed machine sends.
            end = end ?? .closed
        }
    }

    /// Writes to standard output, which may be one that others have made non-blocking.
    private static func show(_ bytes: [UInt8]) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try DescriptorIO.write(STDOUT_FILENO, rest, operation: "write to standard output")
            rest = rest.dropFirst(count)
            guard count == 0 else { continue }
            var room = PollSet()
            room.watch(STDOUT_FILENO, for: .writable)
            try room.wait(timeoutMilliseconds: nil)
        }
    }
}
