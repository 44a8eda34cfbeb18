@testable import Introspection

/// BTF, made by hand: types count from 1, 0 is void.
struct HandmadeTypes {
    private var types: [UInt8] = []
    private var texts: [UInt8] = [0]
    private var count: Int
    private let textStart: Int

    /// - Parameter kernel: what a module's types count on from.
    init(after kernel: HandmadeTypes? = nil) {
        count = kernel?.count ?? 0
        textStart = kernel.map { $0.textStart + $0.texts.count } ?? 0
        // The empty text is the kernel's.
        if kernel != nil { texts = [] }
    }

    var bytes: [UInt8] {
        var head: [UInt8] = [0x9F, 0xEB, 1, 0]
        for value in [24, 0, types.count, types.count, texts.count] { head += Self.little(UInt32(value)) }
        return head + types + texts
    }

    func table() throws -> TypeTable { try TypeTable(bytes) }

    mutating func integer(_ name: String, size: UInt32, isSigned: Bool = false) -> Int {
        add(name, .integer, value: size, [(isSigned ? 1 : 0) << 24 | size * 8])
    }

    mutating func reference(_ kind: TypeTable.Kind, _ target: Int, _ name: String = "") -> Int {
        add(name, kind, value: UInt32(target), [])
    }

    mutating func array(_ element: Int, count: UInt32, index: Int) -> Int {
        add("", .array, value: 0, [UInt32(element), UInt32(index), count])
    }

    mutating func function(returns result: Int, _ parameters: [Int]) -> Int {
        add(
            "", .functionPrototype, members: parameters.count, value: UInt32(result),
            parameters.flatMap { [0, UInt32($0)] })
    }

    mutating func enumeration(_ name: String, _ values: [(String, UInt32)]) -> Int {
        let extra = values.flatMap { [text($0.0), $0.1] }
        return add(name, .enumeration, members: values.count, value: 4, extra)
    }

    /// - Parameter members: name, type, offset in bits, width of a bit field or 0.
    mutating func structure(
        _ name: String, size: UInt32, isUnion: Bool = false, _ members: [(String, Int, UInt32, UInt32)]
    ) -> Int {
        let hasBits = members.contains { $0.3 > 0 }
        let extra = members.flatMap { [text($0.0), UInt32($0.1), hasBits ? $0.3 << 24 | $0.2 : $0.2] }
        return add(
            name, isUnion ? .union : .structure, members: members.count, flag: hasBits, value: size, extra)
    }

    private mutating func text(_ text: String) -> UInt32 {
        guard !text.isEmpty else { return 0 }
        let place = textStart + texts.count
        texts += Array(text.utf8) + [0]
        return UInt32(place)
    }

    private mutating func add(
        _ name: String, _ kind: TypeTable.Kind, members: Int = 0, flag: Bool = false, value: UInt32,
        _ extra: [UInt32]
    ) -> Int {
        let info = UInt32(members) | UInt32(kind.rawValue) << 24 | (flag ? 1 << 31 : 0)
        for word in [text(name), info, value] + extra { types += Self.little(word) }
        count += 1
        return count
    }

    private static func little(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
    }
}
