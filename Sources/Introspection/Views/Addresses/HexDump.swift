/// Bytes and where they are from, shown as `hexdump -C` does.
public struct HexDump: Equatable, Sendable {
    /// The first byte's address.
    public let address: UInt64
    /// The bytes.
    public let bytes: [UInt8]

    /// Both as given.
    public init(address: UInt64, bytes: [UInt8]) {
        self.address = address
        self.bytes = bytes
    }

    /// Sixteen bytes a line in hexadecimal and as characters, `*` for lines like the one before, and at last
    /// the address behind the last byte. No line for no bytes.
    public var lines: [String] {
        guard !bytes.isEmpty else { return [] }
        var lines: [String] = []
        let end = address &+ UInt64(bytes.count)
        // Eight digits as the program prints; addresses of 64 bits all sixteen, so that columns agree.
        let digits = max(address, end) >> 32 == 0 ? 8 : 16
        var previous: ArraySlice<UInt8>?
        var isRepeating = false
        for start in stride(from: 0, to: bytes.count, by: 16) {
            let line = bytes[start..<min(start + 16, bytes.count)]
            if let previous, previous.elementsEqual(line) {
                if !isRepeating { lines.append("*") }
                isRepeating = true
                continue
            }
            isRepeating = false
            previous = line
            lines.append(Self.line(address &+ UInt64(start), line, digits: digits))
        }
        lines.append(Self.hexadecimal(end, digits: digits))
        return lines
    }

    private static func line(_ address: UInt64, _ bytes: ArraySlice<UInt8>, digits: Int) -> String {
        var text = hexadecimal(address, digits: digits) + " "
        for column in 0..<16 {
            if column % 8 == 0 { text += " " }
            let index = bytes.startIndex + column
            text += index < bytes.endIndex ? hexadecimal(UInt64(bytes[index]), digits: 2) + " " : "   "
        }
        text += " |"
        for byte in bytes {
            text.unicodeScalars.append((0x20..<0x7F).contains(byte) ? Unicode.Scalar(byte) : ".")
        }
        return text + "|"
    }

    static func hexadecimal(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
