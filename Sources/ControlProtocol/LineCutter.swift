/// Cuts a stream into lines, with a bound on what it keeps.
public struct LineCutter: Sendable {
    private var bytes: [UInt8] = []
    /// Where the first line that was not taken begins.
    private var start = 0
    /// Up to where there is no line feed.
    private var searched = 0
    private let limit: Int

    /// - Parameter limit: the longest line in bytes, without its line feed.
    public init(limit: Int = ControlLimits.longestLine) {
        self.limit = limit
    }

    /// Adds what was read. Only as much as `room` says.
    public mutating func append(_ more: [UInt8]) {
        if start > 0 {
            bytes.removeFirst(start)
            searched -= start
            start = 0
        }
        bytes += more
    }

    /// How many bytes may be added: enough to see that a line is too long.
    public var room: Int { max(0, limit + 1 - (bytes.count - start)) }

    /// Whether there are bytes of a line whose end has not come, or lines that were not taken.
    public var isEmpty: Bool { bytes.count == start }

    /// The next whole line, without its line feed; nil if its end has not come.
    ///
    /// - Throws: the line is longer than the limit; nothing sensible can follow.
    public mutating func next() throws(ControlError) -> [UInt8]? {
        guard let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = bytes.count
            guard bytes.count - start <= limit else {
                throw ControlError(.badLine, "the line is longer than \(limit) bytes")
            }
            if bytes.count == start { self = LineCutter(limit: limit) }
            return nil
        }
        let line = Array(bytes[start..<end])
        start = end + 1
        searched = start
        return line
    }
}
