/// A member of a structure or union.
public struct Member: Equatable, Sendable {
    /// Its name; empty for an unnamed structure or union.
    public let name: String
    /// The number of its type.
    public let type: Int
    /// Where it begins, in bits from the structure's beginning.
    public let bitOffset: Int
    /// The width of a bit field; 0 for an ordinary member.
    public let bitWidth: Int
}

/// Where a member lies and how its value is read.
public struct Field: Equatable, Sendable {
    /// Bytes from the structure's beginning.
    public let offset: Int
    /// The size in bytes of all of it.
    public let size: Int
    /// The number of its type, without qualifiers and type names.
    public let type: Int
    /// Whether the value has a sign.
    public let isSigned: Bool
    /// A bit field's first bit, from `offset`, and its width; nil for an ordinary member.
    public let bits: Range<Int>?
}

extension TypeTable {
    /// The members of a structure or union in their order.
    public func members(of type: KernelType) -> [Member] {
        guard type.kind == .structure || type.kind == .union else { return [] }
        var members: [Member] = []
        members.reserveCapacity(type.memberCount)
        for index in 0..<type.memberCount {
            guard let member = member(index, of: type) else { break }
            members.append(member)
        }
        return members
    }

    private func member(_ index: Int, of type: KernelType) -> Member? {
        let place = type.place + 12 + index * 12
        guard let name = table.load(UInt32.self, at: place),
            let number = table.load(UInt32.self, at: place + 4),
            let offset = table.load(UInt32.self, at: place + 8)
        else { return nil }
        return Member(
            name: text(Int(name)), type: Int(number),
            bitOffset: Int(type.flag ? offset & 0xFF_FFFF : offset),
            bitWidth: type.flag ? Int(offset >> 24) : 0)
    }

    /// A type without qualifiers and type names: what they stand for in the end. Nil for void.
    public func resolved(_ number: Int) -> KernelType? {
        var number = number
        // Longer chains than this are loops.
        for _ in 0..<64 {
            guard let type = type(number) else { return nil }
            switch type.kind {
            case .typeName, .volatile, .constant, .restrict, .typeTag: number = type.target
            default: return type
            }
        }
        return nil
    }

    /// The size of a type in bytes; nil if it has none.
    public func size(of number: Int, depth: Int = 0) -> Int? {
        guard depth < 16, let type = resolved(number) else { return nil }
        switch type.kind {
        case .integer, .structure, .union, .enumeration, .enumeration64, .floating: return type.size
        case .pointer: return 8
        case .array:
            guard let element = table.load(UInt32.self, at: type.place + 12),
                let count = table.load(UInt32.self, at: type.place + 20),
                let size = size(of: Int(element), depth: depth + 1)
            else { return nil }
            let (product, overflow) = size.multipliedReportingOverflow(by: Int(count))
            return overflow ? nil : product
        default: return nil
        }
    }

    /// An array's element type and how many there are.
    public func elements(of number: Int) -> (type: Int, count: Int)? {
        guard let type = resolved(number), type.kind == .array,
            let element = table.load(UInt32.self, at: type.place + 12),
            let count = table.load(UInt32.self, at: type.place + 20)
        else { return nil }
        return (Int(element), Int(count))
    }

    /// Where a member lies, members of unnamed structures and of members (`se.vruntime`) included.
    ///
    /// - Returns: nil if this kernel has no such structure or member.
    public func field(_ path: String, of structure: String) -> Field? {
        self.structure(named: structure).flatMap { field(path, of: $0) }
    }

    /// Where a member of a structure lies.
    public func field(_ path: String, of structure: KernelType) -> Field? {
        var type = structure
        var bit = 0
        var found: Member?
        for name in path.split(separator: ".") {
            if let previous = found {
                guard let next = resolved(previous.type) else { return nil }
                type = next
            }
            guard let member = find(String(name), in: type) else { return nil }
            bit += member.bitOffset
            found = member
        }
        guard let found, let resolvedType = resolved(found.type), let size = size(of: found.type) else {
            // A flexible or forward type: its place is known all the same.
            return found.map {
                Field(offset: bit / 8, size: 0, type: $0.type, isSigned: false, bits: nil)
            }
        }
        // No bit field is of a type longer than this.
        if found.bitWidth > 0, size <= 16 {
            let unit = max(size, 1) * 8
            let start = bit / unit * unit
            return Field(
                offset: start / 8, size: size, type: resolvedType.number, isSigned: isSigned(resolvedType),
                bits: bit - start..<bit - start + found.bitWidth)
        }
        return Field(
            offset: bit / 8, size: size, type: resolvedType.number, isSigned: isSigned(resolvedType),
            bits: nil)
    }

    /// How many members to look at before it is a mistake: unnamed structures that hold each other.
    private static let mostMembers = 20_000

    /// The member of that name in a structure or the unnamed ones inside it.
    func find(_ name: String, in type: KernelType) -> Member? {
        var left = Self.mostMembers
        return find(name, in: type, depth: 0, left: &left)
    }

    private func find(_ name: String, in type: KernelType, depth: Int, left: inout Int) -> Member? {
        guard depth < 8, type.kind == .structure || type.kind == .union else { return nil }
        var unnamed: [Member] = []
        for index in 0..<type.memberCount {
            left -= 1
            guard left > 0, let member = member(index, of: type) else { break }
            if member.name == name { return member }
            if member.name.isEmpty { unnamed.append(member) }
        }
        for outer in unnamed {
            guard left > 0 else { return nil }
            guard let inside = resolved(outer.type),
                let member = find(name, in: inside, depth: depth + 1, left: &left)
            else { continue }
            return Member(
                name: name, type: member.type, bitOffset: outer.bitOffset + member.bitOffset,
                bitWidth: member.bitWidth)
        }
        return nil
    }

    func isSigned(_ type: KernelType) -> Bool {
        switch type.kind {
        case .integer: (table.load(UInt32.self, at: type.place + 12) ?? 0) >> 24 & 1 == 1
        case .enumeration, .enumeration64: type.flag
        default: false
        }
    }

    /// The values of an enumeration.
    public func values(of type: KernelType) -> [(name: String, value: Int64)] {
        var values: [(name: String, value: Int64)] = []
        for index in 0..<type.memberCount {
            if type.kind == .enumeration {
                guard let name = table.load(UInt32.self, at: type.place + 12 + index * 8),
                    let value = table.load(UInt32.self, at: type.place + 16 + index * 8)
                else { break }
                values.append(
                    (text(Int(name)), type.flag ? Int64(Int32(bitPattern: value)) : Int64(value)))
            } else if type.kind == .enumeration64 {
                guard let name = table.load(UInt32.self, at: type.place + 12 + index * 12),
                    let value = table.load(UInt64.self, at: type.place + 16 + index * 12)
                else { break }
                values.append((text(Int(name)), Int64(bitPattern: value)))
            }
        }
        return values
    }

    /// The number of an enumeration's value, whichever enumeration has it; nil if none does.
    public func enumerator(_ name: String, of enumeration: String) -> Int64? {
        for type in types(named: enumeration, kinds: [.enumeration, .enumeration64]) {
            if let found = values(of: type).first(where: { $0.name == name }) { return found.value }
        }
        return nil
    }
}
