internal import CPerf
internal import Glibc
internal import HostSystem

/// A connection to the manager on which one request at a time is under way, as HTTP clients have them.
final class APIConnection {
    private static let request = Array("GET /v1/status HTTP/1.1\r\nHost: roost\r\n\r\n".utf8)

    let descriptor: OwnedDescriptor
    /// When the request that is under way was due; nil if none is.
    private(set) var due: UInt64?
    private var received: [UInt8] = []

    private init(takingOver descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// Connections of one client that is no other's: the manager tells clients by their processes.
    static func ofOneClient(_ count: Int, to path: String) throws -> [APIConnection] {
        var connections: [APIConnection] = []
        for _ in 0..<count {
            let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
            let number = socket(AF_UNIX, type, 0)
            guard number >= 0 else { throw SystemError("make a socket", number: errno) }
            connections.append(APIConnection(takingOver: OwnedDescriptor(takingOver: number)))
        }
        let numbers = connections.map { $0.descriptor.number }
        // SAFETY: so many integers, and a C string, for the length of the call.
        let result = unsafe cperf_connect_as_another(numbers, Int32(numbers.count), path)
        guard result == 0 else { throw SystemError("connect to \(path)", number: -result) }
        return connections
    }

    /// Asks for the manager's status. It fits into the socket's buffer, where nothing else is.
    func ask(due time: UInt64) throws {
        due = time
        let count = try LocalSocket.send(Self.request[...], to: descriptor)
        guard count == Self.request.count else {
            throw BenchmarkError.contestant("roostd", "takes no request of \(Self.request.count) bytes")
        }
    }

    /// Reads what has come.
    ///
    /// - Returns: the status of the answer and when its request was due; nil if it is not all there.
    func receive() throws -> (status: Int, due: UInt64)? {
        guard let bytes = try DescriptorIO.read(descriptor.number, limit: 64 << 10) else { return nil }
        guard !bytes.isEmpty, let due else {
            throw BenchmarkError.contestant("roostd", "closed a connection under load, or spoke unasked")
        }
        received += bytes
        guard let status = takeAnswer() else { return nil }
        self.due = nil
        return (status, due)
    }

    private func takeAnswer() -> Int? {
        guard let head = Self.end(of: received) else { return nil }
        let text = String(decoding: received[..<head], as: UTF8.self).lowercased()
        guard let length = Self.number(after: "content-length: ", in: text),
            let status = Self.number(after: "http/1.1 ", in: text)
        else { return nil }
        guard received.count >= head + length else { return nil }
        received.removeFirst(head + length)
        return status
    }

    /// Where the header ends.
    private static func end(of bytes: [UInt8]) -> Int? {
        let mark = Array("\r\n\r\n".utf8)
        guard bytes.count >= mark.count else { return nil }
        for start in 0...(bytes.count - mark.count)
        where bytes[start..<start + mark.count].elementsEqual(mark) {
            return start + mark.count
        }
        return nil
    }

    private static func number(after words: String, in text: String) -> Int? {
        for line in text.split(separator: "\r\n") where line.hasPrefix(words) {
            return Int(line.dropFirst(words.count).prefix { $0.isNumber })
        }
        return nil
    }
}
