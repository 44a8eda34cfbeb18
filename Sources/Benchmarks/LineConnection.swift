import HostSystem

/// A connection to a local socket on which each question and each answer is a line.
struct LineConnection: ~Copyable {
    private let socket: OwnedDescriptor
    /// Who is asked, for errors.
    private let name: String
    private var received: [UInt8] = []

    /// Connects to where somebody listens already.
    init(to path: String, of name: String) throws(SystemError) {
        socket = try LocalSocket.connect(to: path)
        self.name = name
    }

    func send(_ line: String) throws {
        try DescriptorIO.writeAll(socket.number, Array((line + "\n").utf8))
    }

    /// The next line, without its end.
    mutating func next() throws -> [UInt8] {
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
            else { throw BenchmarkError.contestant(name, "does not answer on its socket") }
            received += bytes
        }
    }
}
