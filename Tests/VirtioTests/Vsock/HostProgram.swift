import Glibc
import HostSystem
import MachineTesting
import Testing

/// A program of the host's at one end of a Unix socket; it never waits.
final class HostProgram {
    private var socket: OwnedDescriptor?
    var received: [UInt8] = []
    var toSend: ArraySlice<UInt8> = []
    var endsAtEnd = false
    private(set) var sawEnd = false
    private(set) var sawError: Int32?
    /// Reads so much a turn at most.
    var appetite = Int.max

    init(_ socket: consuming OwnedDescriptor) {
        self.socket = consume socket
    }

    convenience init(connectingTo path: String, saying greeting: String = "") throws {
        self.init(try LocalSocket.connect(to: path))
        toSend = Array(greeting.utf8)[...]
    }

    var isOver: Bool { sawEnd || sawError != nil }

    /// What came after the device's answer `OK <port>`; nil if there was none yet.
    var afterGreeting: ArraySlice<UInt8>? {
        guard let end = received.firstIndex(of: UInt8(ascii: "\n")), received.starts(with: "OK ".utf8) else {
            return nil
        }
        return received[(end + 1)...]
    }

    /// The port the device named.
    var hostPort: UInt32? {
        guard afterGreeting != nil, let end = received.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        return UInt32(String(decoding: received[3..<end], as: UTF8.self))
    }

    func close() { socket = nil }

    private var number: Int32? {
        switch socket {
        case .some(let socket): socket.number
        case nil: nil
        }
    }

    /// Writes and reads what goes now.
    func poll() {
        guard let number else { return }
        while !toSend.isEmpty {
            let count = unsafe Array(toSend.prefix(64 << 10)).withUnsafeBytes { bytes in
                unsafe Glibc.send(number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else {
                if errno != EAGAIN { sawError = errno }
                break
            }
            toSend = toSend.dropFirst(count)
        }
        if toSend.isEmpty, endsAtEnd {
            _ = shutdown(number, Int32(SHUT_WR))
            endsAtEnd = false
        }
        var left = appetite
        while left > 0, !isOver {
            do {
                guard let bytes = try DescriptorIO.read(number, limit: min(left, 64 << 10)) else { break }
                if bytes.isEmpty { sawEnd = true }
                received += bytes
                left -= bytes.count
            } catch {
                sawError = error.number
            }
        }
    }
}

/// A machine's both sides, gone round by the test's thread: the guest, the device's loop, programs.
final class VsockWorld {
    let guest: VsockGuest
    var programs: [HostProgram] = []
    /// Where programs of the host wait for the guest, by port, and whom they have accepted.
    private(set) var accepted: [UInt32: [HostProgram]] = [:]
    private var listeners: [UInt32: ListenerBox] = [:]

    private final class ListenerBox {
        let listener: LocalListener
        init(_ listener: consuming LocalListener) { self.listener = listener }
    }

    init(_ guest: VsockGuest) { self.guest = guest }

    /// A program of the host's listens for the guest.
    func listen(_ port: UInt32, backlog: Int32 = 1024) throws {
        listeners[port] = ListenerBox(try LocalListener(at: "\(guest.path)_\(port)", backlog: backlog))
    }

    /// A program of the host's connects to the guest.
    func connect(_ port: UInt32) throws -> HostProgram {
        let program = try HostProgram(connectingTo: guest.path, saying: "CONNECT \(port)\n")
        programs.append(program)
        return program
    }

    /// Everybody does what they can, once.
    func turn(guestWorks: Bool = true, acceptsClients: Bool = true) throws {
        guest.driver.loop.stop()
        guest.driver.loop.run()
        if guestWorks { try guest.poll() }
        for (port, box) in listeners where acceptsClients {
            while let socket = try LocalSocket.accept(box.listener.socket) {
                let program = HostProgram(socket)
                accepted[port, default: []].append(program)
                programs.append(program)
            }
        }
        for program in programs { program.poll() }
    }

    /// Goes round until something is so.
    func run(
        _ what: String, guestWorks: Bool = true, acceptsClients: Bool = true, until isSo: () throws -> Bool
    ) throws {
        let start = HostClock.monotonicNanoseconds()
        while try !isSo() {
            try turn(guestWorks: guestWorks, acceptsClients: acceptsClients)
            if HostClock.monotonicNanoseconds() - start > 60_000_000_000 {
                throw Never(what: what)
            }
        }
    }

    struct Never: Error { let what: String }

    /// A stream that the host opened, ready on both sides.
    func openToGuest(_ port: UInt32) throws -> (HostProgram, VsockGuest.Ports) {
        guest.listening.insert(port)
        let program = try connect(port)
        try run("the device answers") { program.hostPort != nil }
        return (program, VsockGuest.Ports(guest: port, host: try #require(program.hostPort)))
    }

    /// A stream that the guest opened, ready on both sides.
    func openToHost(_ guestPort: UInt32, _ hostPort: UInt32) throws -> (HostProgram, VsockGuest.Ports) {
        if listeners[hostPort] == nil { try listen(hostPort) }
        let before = accepted[hostPort]?.count ?? 0
        let ports = guest.connect(guestPort, to: hostPort)
        try run("the guest is connected") {
            guest.streams[ports]?.isOpen == true && (accepted[hostPort]?.count ?? 0) > before
        }
        return (try #require(accepted[hostPort]?.last), ports)
    }
}

/// Bytes that differ from place to place and from stream to stream.
func pattern(_ seed: UInt64, count: Int) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
}
