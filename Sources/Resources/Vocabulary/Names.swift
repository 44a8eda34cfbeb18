/// The rule for the names of VMs and of pools: that of a machine's name.
enum NameRule {
    static let longest = 63
    static let form = "1 to 63 of a-z A-Z 0-9 . _ -, the first one not . or -"

    static func allows(_ text: some Collection<UInt8>) -> Bool {
        guard let first = text.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-") else {
            return false
        }
        return text.count <= longest && text.allSatisfy(isAllowed)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// Who a VM is, for whoever divides: its name, checked once.
public struct VMName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name.
    public let description: String

    /// A name: 1 to 63 of `a-z A-Z 0-9 . _ -`, the first one not `.` or `-`.
    public init(_ text: String) throws(NameError) {
        guard NameRule.allows(text.utf8) else { throw .badName(text) }
        description = text
    }

    /// By bytes.
    public static func < (one: VMName, other: VMName) -> Bool { one.description < other.description }
}

/// The way from the root to a pool: `web/frontend`. The root itself is written `/`.
public struct PoolPath: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The names of the pools from below the root to this one; empty for the root.
    public let components: [String]

    /// The most pools one inside the other.
    public static let deepest = 8
    /// The most bytes of a path: as many as its names can have.
    public static let longest = deepest * (NameRule.longest + 1)

    /// All of the host.
    public static let root = PoolPath(known: [])

    private init(known components: [String]) {
        self.components = components
    }

    /// Reads names with slashes between them, or `/` alone, the root.
    public init(_ text: String) throws(NameError) {
        guard text != "/" else {
            self = .root
            return
        }
        guard text.utf8.count <= Self.longest else { throw .pathTooLong(text) }
        let names = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard names.count <= Self.deepest else { throw .pathTooDeep(text) }
        guard names.allSatisfy(NameRule.allows) else { throw .badPath(text) }
        components = names.map { String(Substring($0)) }
    }

    /// The pool around this one; nil for the root.
    public var parent: PoolPath? {
        components.isEmpty ? nil : PoolPath(known: Array(components.dropLast()))
    }

    /// The pool's own name; `/` for the root.
    public var name: String { components.last ?? "/" }

    /// Whether it is the root.
    public var isRoot: Bool { components.isEmpty }

    /// Name by name, a pool before those in it.
    public static func < (one: PoolPath, other: PoolPath) -> Bool {
        one.components.lexicographicallyPrecedes(other.components)
    }

    /// The names with slashes between them; `/` for the root.
    public var description: String { components.isEmpty ? "/" : components.joined(separator: "/") }
}

/// Why a text is no name.
public enum NameError: Error, Equatable, Sendable, CustomStringConvertible {
    /// No name of a VM.
    case badName(String)
    /// A part of a path is no name of a pool.
    case badPath(String)
    /// Too many pools one inside the other.
    case pathTooDeep(String)
    /// Too many bytes.
    case pathTooLong(String)

    /// A sentence with the text and with what is accepted.
    public var description: String {
        switch self {
        case .badName(let text): "\(quoted(text)) is no name of a VM: \(NameRule.form)"
        case .badPath(let text):
            "\(quoted(text)) is no path of a pool: names with / between them, each \(NameRule.form)"
        case .pathTooDeep(let text):
            "\(quoted(text)) has more than \(PoolPath.deepest) pools one inside the other"
        case .pathTooLong(let text): "\(quoted(text)) is longer than \(PoolPath.longest) bytes"
        }
    }
}
