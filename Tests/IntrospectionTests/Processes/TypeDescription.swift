@testable import Introspection

/// Describes the types of a kernel made by hand: structures with the members a test needs, where it wants them.
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

    private var image = BTFImage()
    private var known: [String: Int] = [:]

    /// Describes a structure: its members' names, kinds and offsets in bytes.
    mutating func add(_ name: String, size: Int, _ members: [(String, Kind, Int)]) {
        let members = members.map { ($0.0, type: number(of: $0.1), offset: $0.2) }
        known[name] = image.structure(name, size: size, members)
    }

    func table() throws -> TypeTable { try image.table() }

    private mutating func number(of kind: Kind) -> Int {
        switch kind {
        case .number(let bytes): integer(bytes, isSigned: false)
        case .signed(let bytes): integer(bytes, isSigned: true)
        case .numbers(let bytes, let count): image.array(of: integer(bytes, isSigned: false), count: count)
        case .structure(let name): known[name] ?? 0
        }
    }

    private mutating func integer(_ bytes: Int, isSigned: Bool) -> Int {
        let name = "\(isSigned ? "signed" : "unsigned")\(bytes)"
        if let known = known[name] { return known }
        let number = image.integer(name, size: bytes, isSigned: isSigned)
        known[name] = number
        return number
    }
}
