/// Writes BTF for a kernel made by hand: structures with the members a test needs, where it wants them.
struct TypeDescription {
    /// What a member is.
    enum Kind {
        /// An integer without a sign, of so many bytes.
        case number(Int)
        /// One with a sign.
        case signed(Int)
        /// So many integers of so many bytes.
        case numbers(bytes: Int, count: Int)
        /// Another structure, described before.
        case structure(String)
    }

    private var types: [UInt8] = []
    private var texts: [UInt8] = [0]
    private var count: UInt32 = 0
    private var known: [String: UInt32] = [:]

    /// Describes a structure: its members' names, kinds and offsets in bytes.
    mutating func add(_ name: String, size: Int, _ members: [(String, Kind, Int)]) {
        let numbers = members.map { number(of: $0.1) }
        append(text(name))
        append(UInt32(4 << 24 | members.count))
        append(UInt32(size))
        for (member, number) in zip(members, numbers) {
            append(text(member.0))
            append(number)
            append(UInt32(member.2 * 8))
        }
        count += 1
        known[name] = count
    }

    /// The section as a kernel carries it.
    var bytes: [UInt8] {
        var header: [UInt8] = [0x9F, 0xEB, 1, 0]
        for value in [24, 0, types.count, types.count, texts.count] {
            for shift in [0, 8, 16, 24] { header.append(UInt8(truncatingIfNeeded: value >> shift)) }
        }
        return header + types + texts
    }

    private mutating func number(of kind: Kind) -> UInt32 {
        switch kind {
        case .number(let bytes): integer(bytes, isSigned: false)
        case .signed(let bytes): integer(bytes, isSigned: true)
        case .numbers(let bytes, let elements): array(of: integer(bytes, isSigned: false), elements)
        case .structure(let name): known[name] ?? 0
        }
    }

    private mutating func integer(_ bytes: Int, isSigned: Bool) -> UInt32 {
        let name = "\(isSigned ? "signed" : "unsigned")\(bytes)"
        if let known = known[name] { return known }
        append(text(name))
        append(1 << 24)
        append(UInt32(bytes))
        append(UInt32(isSigned ? 1 << 24 : 0) | UInt32(bytes * 8))
        count += 1
        known[name] = count
        return count
    }

    private mutating func array(of element: UInt32, _ elements: Int) -> UInt32 {
        append(0)
        append(3 << 24)
        append(0)
        append(element)
        append(element)
        append(UInt32(elements))
        count += 1
        return count
    }

    private mutating func append(_ value: UInt32) {
        for shift in [0, 8, 16, 24] as [UInt32] { types.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    private mutating func text(_ name: String) -> UInt32 {
        let offset = UInt32(texts.count)
        texts += Array(name.utf8) + [0]
        return offset
    }
}
