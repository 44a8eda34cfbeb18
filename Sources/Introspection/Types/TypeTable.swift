/// The kernel's types, from the BTF that it carries between `__start_BTF` and `__stop_BTF`
/// (Linux, Documentation/bpf/btf.rst).
///
/// Nothing in it is believed unchecked: it comes from the guest.
public struct TypeTable: Sendable {
    let table: ByteTable
    /// Where the types begin and where the texts do.
    private let typeStart: Int
    private let textStart: Int
    private let textEnd: Int
    /// Where each type begins, by its number; number 0 is void.
    private let places: [UInt32]
    /// Structures, unions, enumerations and type names by their names.
    private let byName: NameIndex

    /// Why the types cannot be used.
    public enum Failure: Error, Equatable {
        /// It does not begin as BTF does.
        case notTypes
        /// The type of this number is cut off or of no known kind.
        case broken(type: Int)
    }

    /// The most types of one kernel: some 160,000 in a distribution's.
    private static let maximumTypes = 4_000_000
    /// Longer names are cut off: they would cost time without end.
    private static let longestName = 512

    /// - Parameter bytes: the whole section.
    public init(_ bytes: [UInt8]) throws(Failure) {
        let table = ByteTable(bytes)
        guard table.load(UInt16.self, at: 0) == 0xEB9F, table.load(UInt8.self, at: 2) == 1,
            let headerSize = table.load(UInt32.self, at: 4).map(Int.init),
            let typeOffset = table.load(UInt32.self, at: 8).map(Int.init),
            let typeSize = table.load(UInt32.self, at: 12).map(Int.init),
            let textOffset = table.load(UInt32.self, at: 16).map(Int.init),
            let textSize = table.load(UInt32.self, at: 20).map(Int.init),
            table.slice(headerSize + typeOffset, count: typeSize) != nil,
            table.slice(headerSize + textOffset, count: textSize) != nil
        else { throw .notTypes }
        self.table = table
        typeStart = headerSize + typeOffset
        textStart = headerSize + textOffset
        textEnd = headerSize + textOffset + textSize

        var places: [UInt32] = [0]
        places.reserveCapacity(typeSize / 16)
        var named: [UInt32] = []
        var position = typeStart
        let end = typeStart + typeSize
        while position < end {
            guard position + 12 <= end, places.count < Self.maximumTypes,
                let info = table.load(UInt32.self, at: position + 4),
                let kind = Kind(rawValue: UInt8(info >> 24 & 0x1F))
            else { throw .broken(type: places.count) }
            if kind.isFoundByName, table.load(UInt32.self, at: position) != 0 {
                named.append(UInt32(places.count))
            }
            places.append(UInt32(position))
            position += 12 + kind.extraSize(members: Int(info & 0xFFFF))
        }
        guard position == end else { throw .broken(type: places.count - 1) }
        self.places = places

        var hashes: [(number: UInt32, hash: UInt32)] = []
        hashes.reserveCapacity(named.count)
        let text = table.bytes.span
        for number in named {
            let nameOffset = table.load(UInt32.self, at: Int(places[Int(number)])) ?? 0
            let start = textStart + Int(nameOffset)
            var end = start
            while end < textEnd, end - start < Self.longestName, text[end] != 0 { end += 1 }
            hashes.append((number, NameIndex.hash(text, min(start, end)..<end)))
        }
        byName = NameIndex(hashes)
    }

    /// The first types among some bytes, by how they begin: for kernels that have no symbol for their place.
    static func find(in bytes: [UInt8]) -> TypeTable? {
        // Magic, version 1, no flags, a header of 24 bytes, types right behind it.
        let head: [UInt8] = [0x9F, 0xEB, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0]
        var from = 0
        var tries = 0
        while tries < 64, let place = ByteSearch.first(head, in: bytes, from: from) {
            from = place + 1
            tries += 1
            let table = ByteTable(bytes)
            guard let textOffset = table.load(UInt32.self, at: place + 16),
                let textSize = table.load(UInt32.self, at: place + 20),
                let part = table.slice(place, count: 24 + Int(textOffset) + Int(textSize)),
                let types = try? TypeTable(Array(part))
            else { continue }
            return types
        }
        return nil
    }

    /// How many types there are, void among them.
    public var count: Int { places.count }

    /// The types of a name, of the given kinds: structures and type names may share one.
    public func types(named name: String, kinds: Set<Kind> = Kind.named) -> [KernelType] {
        var bytes = Array(name.utf8)
        let hash = NameIndex.hash(bytes.span, bytes.indices)
        bytes.append(0)
        var found: [KernelType] = []
        for number in byName.numbers(withHash: hash) {
            guard let type = type(Int(number)), kinds.contains(type.kind),
                table.slice(textStart + type.nameOffset, count: bytes.count)?.elementsEqual(bytes) == true
            else { continue }
            found.append(type)
        }
        return found
    }

    /// The structure or union of a name.
    public func structure(named name: String) -> KernelType? {
        types(named: name, kinds: [.structure, .union]).max { $0.size < $1.size }
    }

    /// The type of a number, or nil if there is none.
    public func type(_ number: Int) -> KernelType? {
        guard number > 0, number < places.count,
            let nameOffset = table.load(UInt32.self, at: Int(places[number])),
            let info = table.load(UInt32.self, at: Int(places[number]) + 4),
            let value = table.load(UInt32.self, at: Int(places[number]) + 8),
            let kind = Kind(rawValue: UInt8(info >> 24 & 0x1F))
        else { return nil }
        return KernelType(
            number: number, kind: kind, nameOffset: Int(nameOffset), memberCount: Int(info & 0xFFFF),
            flag: info >> 31 == 1, value: value, place: Int(places[number]))
    }

    /// A text by its offset; empty for none.
    func text(_ offset: Int) -> String {
        guard offset > 0, textStart + offset < textEnd else { return "" }
        return table.text(at: textStart + offset) ?? ""
    }

    /// A type's name; empty if it has none.
    public func name(of type: KernelType) -> String { text(type.nameOffset) }
}

extension TypeTable {
    /// What a type is: BTF's kinds.
    public enum Kind: UInt8, Sendable, CaseIterable {
        case integer = 1
        case pointer = 2
        case array = 3
        case structure = 4
        case union = 5
        case enumeration = 6
        case forward = 7
        case typeName = 8
        case volatile = 9
        case constant = 10
        case restrict = 11
        case function = 12
        case functionPrototype = 13
        case variable = 14
        case section = 15
        case floating = 16
        case declarationTag = 17
        case typeTag = 18
        case enumeration64 = 19

        /// Those one looks for by name.
        public static let named: Set<Kind> = [.structure, .union, .enumeration, .typeName, .enumeration64]

        var isFoundByName: Bool {
            switch self {
            case .structure, .union, .enumeration, .typeName, .enumeration64: true
            default: false
            }
        }

        /// The bytes behind the common twelve.
        func extraSize(members: Int) -> Int {
            switch self {
            case .integer, .variable, .declarationTag: 4
            case .array: 12
            case .structure, .union, .section, .enumeration64: 12 * members
            case .enumeration, .functionPrototype: 8 * members
            default: 0
            }
        }
    }
}

/// A type of the kernel, by its number in a `TypeTable`.
public struct KernelType: Equatable, Sendable {
    /// Its number.
    public let number: Int
    /// What it is.
    public let kind: TypeTable.Kind
    let nameOffset: Int
    /// How many members, values or parameters it has.
    public let memberCount: Int
    /// BTF's kind_flag: of a structure, that it has bit fields; of an enumeration, that it is signed.
    let flag: Bool
    /// The size in bytes, or the number of the type it refers to.
    let value: UInt32
    let place: Int

    /// The size in bytes of a structure, union, number or enumeration.
    public var size: Int { Int(value) }
    /// The number of the type that a pointer, type name or qualifier refers to.
    var target: Int { Int(value) }
}
