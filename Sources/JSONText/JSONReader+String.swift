extension JSONReader {
    /// Reads a string from its opening to its closing quote, and answers its bytes, proven UTF-8.
    mutating func string() throws(JSONError) -> [UInt8] {
        let start = position
        offset += 1
        var result: [UInt8] = []
        var isASCII = true
        while true {
            switch peek() {
            case UInt8(ascii: "\""):
                offset += 1
                guard isASCII || isUTF8(result) else { throw JSONError(.invalidUTF8, at: start) }
                return result
            case UInt8(ascii: "\\"):
                offset += 1
                let scalar = try escape()
                result.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            case .some(let byte) where byte >= 0x20:
                if byte >= 0x80 { isASCII = false }
                takeStringByte(byte)
                result.append(byte)
            case nil:
                throw expected("'\"' to end the string that begins at \(start)")
            default:
                throw expected("a control character to be written as an escape")
            }
        }
    }

    private func isUTF8(_ bytes: [UInt8]) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }

    /// Reads what follows a backslash.
    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        if skip("u") { return try unicodeEscape() }
        let scalar: Unicode.Scalar =
            switch peek() {
            case UInt8(ascii: "\""): "\""
            case UInt8(ascii: "\\"): "\\"
            case UInt8(ascii: "/"): "/"
            case UInt8(ascii: "b"): "\u{8}"
            case UInt8(ascii: "f"): "\u{C}"
            case UInt8(ascii: "n"): "\n"
            case UInt8(ascii: "r"): "\r"
            case UInt8(ascii: "t"): "\t"
            default: throw expected("one of \" \\ / b f n r t u after the backslash")
            }
        offset += 1
        return scalar
    }

    /// Reads the four digits behind `\u`, and the second half when the first is a surrogate.
    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard UTF16.isLeadSurrogate(first) else {
            throw expected("a leading surrogate (\\uD800 to \\uDBFF) before a trailing one")
        }
        guard skip("\\"), skip("u") else { throw expected("a trailing surrogate (\\uDC00 to \\uDFFF)") }
        let second = try fourHexDigits()
        guard UTF16.isTrailSurrogate(second) else {
            throw expected("a trailing surrogate (\\uDC00 to \\uDFFF) in the four digits before")
        }
        let value = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }

    private mutating func fourHexDigits() throws(JSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = peek(), byte < 0x80, let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else { throw expected("four hexadecimal digits after \\u") }
            value = value << 4 | UInt16(digit)
            offset += 1
        }
        return value
    }
}
