internal import Glibc
internal import HostSystem

/// A client's end of the control socket that does not wait: requests go out when the socket takes them, and
/// the answers, which come in order, are counted.
final class LoadConnection {
    /// What came of a request.
    struct Answer {
        /// When it was due.
        let due: UInt64
        let isResult: Bool
    }

    static let request = Array(#"{"jsonrpc":"2.0","id":1,"method":"status"}"#.utf8) + [UInt8(ascii: "\n")]
    /// Requests that are sent at once, and that wait here for a socket that takes no more.
    static let batch = 16
    /// Where in an answer it shows what it is: `{"jsonrpc":"2.0","id":1,"result"` or `"error"`.
    private static let telling = #"{"jsonrpc":"2.0","id":1,""#.utf8.count

    let descriptor: OwnedDescriptor
    private var due: [UInt64] = []
    private var answered = 0
    private var outgoing: ArraySlice<UInt8> = []
    private var column = 0
    private var isResult = false

    /// - Parameter path: the socket's. Its buffer is made as small as the kernel lets it be, so that requests
    ///   wait in the machine or not at all.
    init(to path: String) throws(SystemError) {
        let descriptor = try LocalSocket.connect(to: path)
        let number = descriptor.number
        self.descriptor = descriptor
        var size: Int32 = 1
        // SAFETY: the integer is ours, and of that size.
        let result = unsafe setsockopt(
            number, SOL_SOCKET, SO_SNDBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        guard result == 0 else { throw SystemError("set a socket's buffer", number: errno) }
    }

    /// Requests without an answer.
    var underWay: Int { due.count - answered }
    /// How many more it takes now.
    var room: Int { outgoing.isEmpty ? Self.batch : 0 }
    /// Whether the socket took less than it was given.
    var isBlocked: Bool { !outgoing.isEmpty }

    /// Takes requests, no more than there is room for, which were due at those times.
    func send(due times: some Sequence<UInt64>) throws(SystemError) {
        for time in times {
            due.append(time)
            outgoing += Self.request
        }
        try flush()
    }

    func flush() throws(SystemError) {
        while !outgoing.isEmpty {
            let count = try LocalSocket.send(outgoing, to: descriptor)
            if count == 0 { return }
            outgoing = outgoing.dropFirst(count)
        }
        outgoing = []
    }

    /// Reads what has come.
    func receive(_ take: (Answer) -> Void) throws {
        guard let bytes = try DescriptorIO.read(descriptor.number, limit: 64 << 10) else { return }
        guard !bytes.isEmpty else {
            throw BenchmarkError.contestant("the control socket", "closed a connection under load")
        }
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n"))
            let stop = end ?? bytes.count
            let place = start + Self.telling - column
            if place >= start, place < stop { isResult = bytes[place] == UInt8(ascii: "r") }
            column += stop - start
            guard end != nil else { break }
            guard answered < due.count else {
                throw BenchmarkError.contestant("the control socket", "answered what was not asked")
            }
            take(Answer(due: due[answered], isResult: isResult))
            answered += 1
            (column, isResult) = (0, false)
            start = stop + 1
        }
        // Those that are answered are forgotten now and then.
        if answered >= 4096 {
            due.removeFirst(answered)
            answered = 0
        }
    }
}
