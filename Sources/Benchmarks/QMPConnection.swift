import HostSystem
import JSONText

/// A connection to QEMU's monitor: one command at a time, and answers of one line.
struct QMPConnection: ~Copyable {
    private var lines: LineConnection

    private init(_ lines: consuming LineConnection) { self.lines = lines }

    /// Connects to where QEMU listens already.
    static func open(_ path: String) throws -> QMPConnection {
        var connection = QMPConnection(try LineConnection(to: path, of: "qemu"))
        _ = try connection.lines.next()  // the greeting
        try connection.send("qmp_capabilities")
        return connection
    }

    /// Carries out a command; what it answers must not be an error.
    mutating func send(_ command: String, _ arguments: [JSONMember] = []) throws {
        let request = JSONValue.object([
            JSONMember("execute", .string(command)), JSONMember("arguments", .object(arguments)),
        ])
        try lines.send(request.text())
        while true {
            let line = try lines.next()
            guard case .object(let members) = try JSONValue(text: line) else { continue }
            if members.contains(where: { $0.key == "return" }) { return }
            guard members.contains(where: { $0.key == "error" }) else { continue }  // an event
            throw BenchmarkError.contestant("qemu", "\(command): \(String(decoding: line, as: UTF8.self))")
        }
    }
}
