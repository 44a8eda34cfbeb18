@testable import Introspection

/// Writes BTF (Linux, Documentation/bpf/btf.rst): types count from 1, 0 is void.
struct BTFImage {
    private var types: [UInt8] = []
    private var texts: [UInt8] = [0]
    private(set) var count = 0
    private let textStart: Int

    /// - Parameter kernel: what a module's types count on from, and its texts too.
    init(after kernel: BTFImage? = nil) {
        count = kernel?.count ?? 0
        textStart = kernel.map { $0.textStart + $0.texts.count } ?? 0
        // The empty text is the kernel's.
        if kernel != nil { texts = [] }
    }

    private static func little(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    func table() throws -> TypeTable { try TypeTable(bytes) }

    /// The whole section.
    var bytes: [UInt8] {
        var header: [UInt8] = [0x9F, 0xEB, 1, 0]
        for value in [24, 0, types.count, types.count, texts.count] { header += Self.little(UInt32(value)) }
        return header + types + texts
    }

    mutating func text(_ text: String) -> UInt32 {
        guard !text.isEmpty else { return 0 }
        defer { texts += Array(text.utf8) + [0] }
        return UInt32(textStart + texts.count)
    }

    /// A type of any kind; answers its number.
    @discardableResult
    mutating func add(
        _ name: String, kind: UInt32, members: Int = 0, flag: Bool = false, value: UInt32,
        words: [UInt32] = []
    ) -> Int {
        types += Self.little(text(name))
        types += Self.little(kind << 24 | UInt32(members) | (flag ? 1 << 31 : 0))
        types += Self.little(value)
        for word in words { types += Self.little(word) }
        count += 1
        return count
    }

    mutating func integer(_ name: String, size: Int, isSigned: Bool = false) -> Int {
        add(
            name, kind: 1, value: UInt32(size),
            words: [(isSigned ? 1 << 24 : 0) | UInt32(size * 8)])
    }

    mutating func pointer(to type: Int = 0) -> Int { add("", kind: 2, value: UInt32(type)) }

    mutating func constant(_ type: Int) -> Int { add("", kind: 10, value: UInt32(type)) }

    @discardableResult
    mutating func typeName(_ name: String, _ type: Int) -> Int { add(name, kind: 8, value: UInt32(type)) }

    /// - Parameter parameters: their types; 0 at the end for more of any.
    mutating func function(returns result: Int, _ parameters: [Int]) -> Int {
        add(
            "", kind: 13, members: parameters.count, value: UInt32(result),
            words: parameters.flatMap { [0, UInt32($0)] })
    }

    mutating func array(of type: Int, count: Int) -> Int {
        add("", kind: 3, value: 0, words: [UInt32(type), UInt32(type), UInt32(count)])
    }

    /// A structure; offsets in bytes.
    @discardableResult
    mutating func structure(_ name: String, size: Int, _ members: [(String, type: Int, offset: Int)]) -> Int {
        var words: [UInt32] = []
        for item in members { words += [text(item.0), UInt32(item.type), UInt32(item.offset * 8)] }
        return add(name, kind: 4, members: members.count, value: UInt32(size), words: words)
    }

    /// A structure with bit fields; offsets and widths in bits.
    @discardableResult
    mutating func bitFields(
        _ name: String, size: Int, _ members: [(String, type: Int, bit: Int, width: Int)]
    ) -> Int {
        var words: [UInt32] = []
        for item in members {
            words += [text(item.0), UInt32(item.type), UInt32(item.width << 24 | item.bit)]
        }
        return add(name, kind: 4, members: members.count, flag: true, value: UInt32(size), words: words)
    }

    mutating func union(size: Int, _ members: [(String, type: Int)]) -> Int {
        var words: [UInt32] = []
        for item in members { words += [text(item.0), UInt32(item.type), 0] }
        return add("", kind: 5, members: members.count, value: UInt32(size), words: words)
    }

    @discardableResult
    mutating func enumeration(_ name: String, _ values: [(String, Int)]) -> Int {
        var words: [UInt32] = []
        for item in values { words += [text(item.0), UInt32(truncatingIfNeeded: item.1)] }
        return add(
            name, kind: 6, members: values.count, flag: values.contains { $0.1 < 0 }, value: 4, words: words)
    }

    @discardableResult
    mutating func enumeration64(_ name: String, _ values: [(String, Int64)]) -> Int {
        var words: [UInt32] = []
        for value in values {
            let bits = UInt64(bitPattern: value.1)
            words += [text(value.0), UInt32(truncatingIfNeeded: bits), UInt32(bits >> 32)]
        }
        return add(name, kind: 19, members: values.count, flag: true, value: 8, words: words)
    }
}
