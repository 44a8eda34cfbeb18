/// What a program of the host says first: `CONNECT <port>` and a new line.
enum ConnectLine: Equatable {
    /// The line is not over yet.
    case incomplete
    /// A line, and its length in bytes with the new line.
    case port(UInt32, length: Int)
    /// No such line.
    case wrong

    /// The longest that is looked at, in bytes.
    static let longest = 32

    /// Reads a line from the first bytes that came.
    init(_ bytes: ArraySlice<UInt8>) {
        guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            self = bytes.count < Self.longest ? .incomplete : .wrong
            return
        }
        let words = bytes[..<end].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }
        guard words.count == 2, Self.isConnect(words[0]), let port = Self.number(words[1]) else {
            self = .wrong
            return
        }
        self = .port(port, length: end - bytes.startIndex + 1)
    }

    /// In any case of its letters.
    private static func isConnect(_ word: ArraySlice<UInt8>) -> Bool {
        word.elementsEqual("connect".utf8) { $0 | 0x20 == $1 }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        guard digits.count <= 10 else { return nil }
        var value: UInt64 = 0
        for digit in digits {
            guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
            value = value * 10 + UInt64(digit - UInt8(ascii: "0"))
        }
        return UInt32(exactly: value)
    }
}
