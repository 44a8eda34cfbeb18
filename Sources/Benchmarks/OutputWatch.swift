internal import HostSystem

/// Reads what a process prints and says when.
struct OutputWatch {
    /// All that was read so far.
    private(set) var text: [UInt8] = []

    /// The longest that is waited for anything, in milliseconds.
    private static let patience: Int32 = 120_000

    /// Reads what comes next.
    ///
    /// - Returns: when it was there, or nil at the end of the output.
    mutating func next(_ process: borrowing ChildProcess) throws -> UInt64? {
        var events = PollSet()
        events.watch(process.output.number, for: .readable)
        guard try events.wait(timeoutMilliseconds: Self.patience) else {
            throw BenchmarkError.contestant(
                "process \(process.identifier)", "has printed nothing for two minutes")
        }
        let now = HostClock.monotonicNanoseconds()
        guard let bytes = try DescriptorIO.read(process.output.number, limit: 4096), !bytes.isEmpty else {
            return nil
        }
        text += bytes
        return now
    }

    /// Reads until a line is there.
    ///
    /// - Returns: when its last byte was, or nil if the output ended before.
    mutating func line(_ line: String, of process: borrowing ChildProcess) throws -> UInt64? {
        while let time = try next(process) {
            if contains(line: line) { return time }
        }
        return nil
    }

    /// Reads until there is a line that begins with those words.
    ///
    /// - Returns: the line, or nil if the output ended before.
    mutating func line(startingWith words: String, of process: borrowing ChildProcess) throws -> String? {
        while true {
            let complete = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .dropLast()
            if let found = complete.first(where: { $0.starts(with: words.utf8) }) {
                return String(decoding: found.filter { $0 != UInt8(ascii: "\r") }, as: UTF8.self)
            }
            guard try next(process) != nil else { return nil }
        }
    }

    /// The last line there is, for messages.
    var lastLine: String {
        let lines = text.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        return lines.last.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Whether that line is there, with its end.
    func contains(line: String) -> Bool {
        let newLine = UInt8(ascii: "\n")
        let carriageReturn = UInt8(ascii: "\r")
        let complete = text.split(separator: newLine, omittingEmptySubsequences: false).dropLast()
        return complete.contains { found in
            (found.last == carriageReturn ? found.dropLast() : found).elementsEqual(line.utf8)
        }
    }

    /// Reads to the end of the output.
    mutating func rest(of process: borrowing ChildProcess) throws {
        while try next(process) != nil {}
    }
}
