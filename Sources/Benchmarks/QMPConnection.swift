internal import HostSystem
internal import JSONText

/// A connection to QEMU's monitor: one command at a time, and answers of one line.
struct QMPConnection: ~Copyable {
    private let socket: OwnedDescriptor
    private var received: [UInt8] = []

    private init(_ socket: consuming OwnedDescriptor) { self.socket = socket }

    /// Connects to where QEMU listens already.
    static func open(_ path: String) throws -> QMPConnection {
        var connection = QMPConnection(try LocalSocket.connect(to: path))
        _ = try connection.nextLine()  // the greeting
        try connection.send("qmp_capabilities")
        return connection
    }

    /// Carries out a command; what it answers must not be an error.
    mutating func send(_ command: String, _ arguments: [JSONMember] = []) throws {
        let request = JSONValue.object([
            JSONMember("execute", .string(command)), JSONMember("arguments", .object(arguments)),
        ])
        try DescriptorIO.writeAll(socket.number, Array((request.text() + "\n").utf8))
        while true {
            let line = try nextLine()
            guard case .object(let members) = try JSONValue(text: line) else { continue }
            if members.contains(where: { $0.key == "return" }) { return }
            guard members.contains(where: { $0.key == "error" }) else { continue }  // an event
            throw BenchmarkError.contestant("qemu", "\(command): \(String(decoding: line, as: UTF8.self))")
        }
    }

    private mutating func nextLine() throws -> [UInt8] {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(received[..<end])
                received.removeSubrange(...end)
                return line
            }
            var events = PollSet()
            events.watch(socket.number, for: .readable)
            guard try events.wait(timeoutMilliseconds: 10_000),
                let bytes = try DescriptorIO.read(socket.number, limit: 65_536), !bytes.isEmpty
            else { throw BenchmarkError.contestant("qemu", "its monitor does not answer") }
            received += bytes
        }
    }
}
