internal import Glibc
internal import HostSystem
internal import JSONText
internal import ManagerProtocol

/// One request to the manager: HTTP/1.1 on its socket (RFC 9112), a connection each.
///
/// Written out, not a library's: `roost run` makes one before every machine, and a client library's event
/// loops and threads would take longer to start than the request takes (docs/adr/0009-manager.md).
struct ManagerConnection {
    /// How long the manager may take in all, in milliseconds.
    static let patienceMilliseconds: UInt64 = 2000
    /// The most bytes of an answer that are read.
    private static let longestAnswer = 64 << 20

    /// The socket's path.
    let socket: String

    /// An answer: its status, and what it says.
    struct Answer {
        let status: Int
        let body: [UInt8]
    }

    /// Asks.
    ///
    /// - Throws: a `SystemError` of `ENOENT` or `ECONNREFUSED` if no manager listens.
    func ask(_ method: String, _ path: String, _ body: JSONValue? = nil) throws(SystemError) -> Answer {
        let deadline = HostClock.monotonicNanoseconds() + Self.patienceMilliseconds * 1_000_000
        guard try FileTree.isOwnedByUser(socket) else {
            throw SystemError(
                "ask the manager at \(socket)", number: EPERM,
                advice: "the socket is a link, or belongs to somebody else")
        }
        let request = request(method, path, body)
        while true {
            let connection = try connect(until: deadline)
            if try send(request, to: connection, until: deadline),
                let answer = try read(from: connection, until: deadline)
            {
                return answer
            }
            // A manager that is being killed still takes connections, for a moment. It did nothing of what it did not
            // read: so whoever listens next is asked, if anybody does.
            try pause(until: deadline)
        }
    }

    private func request(_ method: String, _ path: String, _ body: JSONValue?) -> [UInt8] {
        let content = body.map { Array($0.text().utf8) } ?? []
        var head = "\(method) \(path) HTTP/1.1\r\nHost: roost\r\nConnection: close\r\n"
        if body != nil { head += "Content-Type: application/json\r\nContent-Length: \(content.count)\r\n" }
        return Array((head + "\r\n").utf8) + content
    }

    private func connect(until deadline: UInt64) throws(SystemError) -> OwnedDescriptor {
        while true {
            do {
                return try LocalSocket.connect(to: socket)
            } catch  where error.number == EAGAIN {
                // Others wait to be accepted too.
                try pause(until: deadline)
            }
        }
    }

    private func pause(until deadline: UInt64) throws(SystemError) {
        guard HostClock.monotonicNanoseconds() < deadline else { throw silent }
        var pause = PollSet()
        try pause.wait(timeoutMilliseconds: 5)
    }

    /// - Returns: false if the other end was closed before.
    private func send(
        _ bytes: [UInt8], to connection: borrowing OwnedDescriptor, until deadline: UInt64
    ) throws(SystemError) -> Bool {
        var rest = bytes[...]
        while true {
            do {
                rest = rest.dropFirst(try LocalSocket.send(rest, to: connection))
            } catch  where error.number == EPIPE || error.number == ECONNRESET {
                return false
            }
            if rest.isEmpty { return true }
            try wait(for: connection, .writable, until: deadline)
        }
    }

    /// - Returns: nil if the other end was closed with the request, or a part of it, unread (unix(7), ECONNRESET).
    private func read(
        from connection: borrowing OwnedDescriptor, until deadline: UInt64
    ) throws(SystemError) -> Answer? {
        var parser = HTTPAnswerParser(limit: Self.longestAnswer)
        var isBegun = false
        while true {
            let read: [UInt8]?
            do {
                read = try DescriptorIO.read(connection.number, limit: 64 << 10)
            } catch  where error.number == ECONNRESET && !isBegun {
                return nil
            }
            guard let bytes = read else {
                try wait(for: connection, .readable, until: deadline)
                continue
            }
            isBegun = true
            let isEnd = bytes.isEmpty
            parser.append(bytes)
            switch parser.answer(isEnd: isEnd) {
            case .complete(let answer): return answer
            case .malformed(let reason):
                throw SystemError("understand the manager at \(socket)", number: EPROTO, advice: reason)
            case .incomplete:
                if isEnd {
                    throw SystemError(
                        "ask the manager at \(socket)", number: ECONNRESET,
                        advice: "it ended before it had answered")
                }
            }
        }
    }

    private func wait(
        for connection: borrowing OwnedDescriptor, _ readiness: Readiness, until deadline: UInt64
    ) throws(SystemError) {
        let now = HostClock.monotonicNanoseconds()
        guard now < deadline else { throw silent }
        var events = PollSet()
        events.watch(connection.number, for: readiness)
        try events.wait(timeoutMilliseconds: Int32(clamping: (deadline - now) / 1_000_000 + 1))
    }

    private var silent: SystemError {
        SystemError(
            "ask the manager at \(socket)", number: ETIMEDOUT,
            advice: "it has not answered for \(Self.patienceMilliseconds / 1000) seconds; is it stopped?")
    }
}

/// Takes an HTTP/1.1 answer apart as it comes: a pure value.
struct HTTPAnswerParser {
    enum Progress {
        case incomplete
        case complete(ManagerConnection.Answer)
        case malformed(String)
    }

    private let limit: Int
    private var bytes: [UInt8] = []

    init(limit: Int) {
        self.limit = limit
    }

    mutating func append(_ more: [UInt8]) {
        bytes += more
    }

    /// - Parameter isEnd: whether the connection has ended, which ends a body of no stated length.
    func answer(isEnd: Bool) -> Progress {
        guard bytes.count <= limit else { return .malformed("its answer is longer than \(limit) bytes") }
        guard let (head, start) = headLines() else {
            return bytes.count > 64 << 10 ? .malformed("its answer has no end of the header") : .incomplete
        }
        let words = (head.first ?? "").split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]),
            (100...599).contains(status)
        else { return .malformed("its answer is not HTTP") }
        var length: Int?
        for line in head.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return .malformed("a header line has no colon") }
            let name = parts[0].lowercased()
            let value = parts[1].drop { $0 == " " }
            if name == "content-length" {
                guard let count = Int(value), count >= 0, count <= limit else {
                    return .malformed("its content length is \(value)")
                }
                length = count
            } else if name == "transfer-encoding" {
                return .malformed("its answer is \(value)")
            }
        }
        let body = bytes[start...]
        if let length {
            guard body.count >= length else { return .incomplete }
            return .complete(.init(status: status, body: Array(body.prefix(length))))
        }
        return isEnd ? .complete(.init(status: status, body: Array(body))) : .incomplete
    }

    /// The lines of the header, and where the body starts; nil if they are not all there.
    private func headLines() -> ([String], Int)? {
        var lines: [String] = []
        var start = 0
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            var line = bytes[start..<end]
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            start = end + 1
            if line.isEmpty { return (lines, start) }
            lines.append(String(decoding: line, as: UTF8.self))
        }
        return nil
    }
}
