extension JSONValue {
    /// How many bytes of text are read when the caller says nothing else: 1 MiB.
    public static let standardSizeLimit = 1 << 20
    /// How deep arrays and objects may be nested.
    public static let depthLimit = 64

    /// Reads a text that is exactly one JSON value, with white space around it.
    ///
    /// Strict: what RFC 8259 does not allow (comments, trailing commas, a byte order mark) is an
    /// error, and so is what it leaves open and people get wrong: a key given twice, a surrogate
    /// without its pair, a number beyond `Double`.
    ///
    /// - Parameter sizeLimit: the longest text that is looked at, in bytes.
    public init(text: [UInt8], sizeLimit: Int = standardSizeLimit) throws(JSONError) {
        guard text.count <= sizeLimit else {
            throw JSONError(
                .tooLarge(size: text.count, limit: sizeLimit), at: TextPosition(line: 1, column: 1))
        }
        var reader = JSONReader(text)
        self = try reader.document()
    }

    /// Reads a text that is exactly one JSON value, with white space around it.
    public init(text: String, sizeLimit: Int = standardSizeLimit) throws(JSONError) {
        try self.init(text: Array(text.utf8), sizeLimit: sizeLimit)
    }
}

/// A recursive-descent reader. Its recursion is bounded by `JSONValue.depthLimit`.
struct JSONReader {
    private let bytes: [UInt8]
    var offset = 0
    private var line = 1
    private var lineStart = 0
    /// UTF-8 continuation bytes passed on this line: they are no columns.
    private var continuationBytes = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(JSONError) -> JSONValue {
        skipWhiteSpace()
        let value = try value(depth: 0)
        skipWhiteSpace()
        guard offset == bytes.count else { throw expected("the end of the text") }
        return value
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        switch peek() {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(String(decoding: try string(), as: UTF8.self))
        case UInt8(ascii: "t"): return try word("true", .boolean(true))
        case UInt8(ascii: "f"): return try word("false", .boolean(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case let byte where byte == UInt8(ascii: "-") || isDigit(byte): return try number()
        default: throw expected("a value")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        try checkDepth(depth)
        offset += 1
        skipWhiteSpace()
        var members: [JSONMember] = []
        // Keys are compared byte by byte, as other readers do, not by canonical equivalence.
        var keys = JSONKeys()
        guard !skip("}") else { return .object(members) }
        repeat {
            skipWhiteSpace()
            let start = position
            guard peek() == UInt8(ascii: "\"") else {
                throw expected(members.isEmpty ? "a key in quotes or '}'" : "a key in quotes")
            }
            let keyBytes = try string()
            let key = String(decoding: keyBytes, as: UTF8.self)
            guard keys.insert(keyBytes) else { throw JSONError(.duplicateKey(key), at: start) }
            skipWhiteSpace()
            guard skip(":") else { throw expected("':' after the key") }
            skipWhiteSpace()
            members.append(JSONMember(key, try value(depth: depth), at: start))
            skipWhiteSpace()
        } while skip(",")
        guard skip("}") else { throw expected("',' or '}'") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        try checkDepth(depth)
        offset += 1
        skipWhiteSpace()
        var elements: [JSONValue] = []
        guard !skip("]") else { return .array(elements) }
        repeat {
            skipWhiteSpace()
            elements.append(try value(depth: depth))
            skipWhiteSpace()
        } while skip(",")
        guard skip("]") else { throw expected("',' or ']'") }
        return .array(elements)
    }

    private func checkDepth(_ depth: Int) throws(JSONError) {
        guard depth <= JSONValue.depthLimit else {
            throw JSONError(.tooDeep(limit: JSONValue.depthLimit), at: position)
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let text = "\(word)"
        guard bytes[offset...].starts(with: text.utf8) else { throw expected("a value") }
        offset += text.utf8.count
        return value
    }

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = offset
        let startPosition = position
        _ = skip("-")
        if !skip("0") { try digits() }
        var whole = true
        if skip(".") {
            whole = false
            try digits()
        }
        if skip("e") || skip("E") {
            whole = false
            if !skip("+") { _ = skip("-") }
            try digits()
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if whole {
            if let value = Int64(text) { return .integer(value) }
            if let value = UInt64(text) { return .unsigned(value) }
        }
        guard let value = Double(text), value.isFinite else {
            throw JSONError(.numberOutOfRange, at: startPosition)
        }
        return .number(value)
    }

    private mutating func digits() throws(JSONError) {
        guard isDigit(peek()) else { throw expected("a digit") }
        while isDigit(peek()) { offset += 1 }
    }

    private func isDigit(_ byte: UInt8?) -> Bool {
        byte.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ?? false
    }

    // MARK: The text

    /// The place of the next byte.
    var position: TextPosition {
        TextPosition(line: line, column: offset - lineStart - continuationBytes + 1)
    }

    /// The next byte; nil at the end of the text.
    func peek() -> UInt8? {
        offset < bytes.count ? bytes[offset] : nil
    }

    /// Takes the next byte if it is this character.
    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard peek() == UInt8(ascii: character) else { return false }
        offset += 1
        return true
    }

    /// Takes a byte of a string, which may be part of a longer scalar.
    mutating func takeStringByte(_ byte: UInt8) {
        offset += 1
        if byte & 0xC0 == 0x80 { continuationBytes += 1 }
    }

    private mutating func skipWhiteSpace() {
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
                offset += 1
            case UInt8(ascii: "\n"):
                offset += 1
                line += 1
                lineStart = offset
                continuationBytes = 0
            default:
                return
            }
        }
    }

    /// The error that something else had to stand at the next byte.
    func expected(_ what: String) -> JSONError {
        let found =
            switch peek() {
            case nil: "the end of the text"
            case .some(let byte) where (0x20..<0x7F).contains(byte): "'\(Unicode.Scalar(byte))'"
            case .some(let byte): "the byte 0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16))"
            }
        return JSONError(.expected(what, found: found), at: position)
    }
}

/// The keys of one object so far. A handful, as most objects have, is compared one by one, which costs
/// a starting process less than its first hashed set; more are hashed, so that none is slow.
private struct JSONKeys {
    private var few: [[UInt8]] = []
    private var many: Set<[UInt8]> = []

    private static let fewLimit = 24

    /// - Returns: false if the key was there already.
    mutating func insert(_ key: [UInt8]) -> Bool {
        if !many.isEmpty { return many.insert(key).inserted }
        guard !few.contains(key) else { return false }
        few.append(key)
        if few.count > Self.fewLimit {
            many = Set(few)
            few = []
        }
        return true
    }
}
