/// JSON as it is written, member by member: a symbol file is too large for a tree of values.
struct JSONOutput {
    private(set) var bytes: [UInt8] = []
    /// Whether the object at hand has a member already.
    private var needsComma = false

    /// An object; `body` writes its members.
    mutating func object(_ body: (inout JSONOutput) -> Void) {
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
        body(&self)
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    /// A member's name; its value is to follow.
    mutating func key(_ name: String) {
        if needsComma { bytes += [UInt8(ascii: ","), UInt8(ascii: "\n")] }
        text(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = true
    }

    mutating func member(_ name: String, _ value: String) {
        key(name)
        text(value)
    }

    mutating func member(_ name: String, _ value: Int) {
        key(name)
        bytes += Array("\(value)".utf8)
    }

    mutating func member(_ name: String, unsigned value: UInt64) {
        key(name)
        bytes += Array("\(value)".utf8)
    }

    mutating func member(_ name: String, _ value: Bool) {
        key(name)
        bytes += Array((value ? "true" : "false").utf8)
    }

    /// Bytes as RFC 4648, section 4, writes them.
    mutating func member(_ name: String, base64 value: [UInt8]) {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        key(name)
        bytes.append(UInt8(ascii: "\""))
        for start in stride(from: 0, to: value.count, by: 3) {
            let part = value[start..<min(start + 3, value.count)]
            let word = part.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - part.count))
            for place in 0..<4 {
                bytes.append(
                    place <= part.count ? digits[word >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Names are the guest's: what is no plain ASCII is escaped, for terminals too.
    private mutating func text(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        for unit in value.utf16 {
            switch unit {
            case 0x22, 0x5C: bytes += [UInt8(ascii: "\\"), UInt8(truncatingIfNeeded: unit)]
            case 0x20..<0x7F: bytes.append(UInt8(truncatingIfNeeded: unit))
            default:
                let digits = String(unit, radix: 16)
                bytes += Array(("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
