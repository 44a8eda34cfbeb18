internal import JSONText
public import Resources

/// The addresses of the API, version 1.
public enum ManagerRoute: Equatable, Sendable {
    /// The manager itself: GET.
    case status
    /// All machines: GET.
    case machines
    /// One machine: GET, PUT (register), PATCH, DELETE (forget one that did not come to run).
    case machine(VMName)
    /// The latest decisions on one machine, in words: GET.
    case reasons(VMName)
    /// All pools: GET, POST.
    case pools
    /// One pool: GET, PATCH, DELETE.
    case pool(PoolPath)
    /// The journal, as text: GET.
    case journal

    /// Reads a path. What follows a `?` is no part of it.
    ///
    /// - Throws: that nothing is there, or that a name in it is no name.
    public init(path: some StringProtocol) throws(ManagerProblem) {
        let parts = path.prefix { $0 != "?" }.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0].isEmpty, parts[1] == "v1" else { throw Self.nothing(path) }
        switch (parts[2], parts.count) {
        case ("status", 3): self = .status
        case ("machines", 3): self = .machines
        case ("machines", 4): self = .machine(try Self.machine(parts[3]))
        case ("machines", 5) where parts[4] == "reasons": self = .reasons(try Self.machine(parts[3]))
        case ("pools", 3): self = .pools
        case ("pools", 4): self = .pool(try Self.pool(parts[3]))
        case ("journal", 3): self = .journal
        default: throw Self.nothing(path)
        }
    }

    private static func nothing(_ path: some StringProtocol) -> ManagerProblem {
        ManagerProblem(.notFound, "nothing is at \(JSONValue.string(String(path.prefix(200))).text())")
    }

    private static func machine(_ text: some StringProtocol) throws(ManagerProblem) -> VMName {
        guard let text = unescaped(text), let name = try? VMName(text) else {
            throw ManagerProblem(
                .noSuchMachine,
                "there can be no machine \(JSONValue.string(String(text.prefix(200))).text())")
        }
        return name
    }

    private static func pool(_ text: some StringProtocol) throws(ManagerProblem) -> PoolPath {
        guard let text = unescaped(text), let path = try? PoolPath(text) else {
            throw ManagerProblem(
                .noSuchPool, "there can be no pool \(JSONValue.string(String(text.prefix(200))).text())")
        }
        return path
    }

    /// A segment with its escapes resolved; nil if they are no UTF-8.
    private static func unescaped(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimal),
                let low = rest.popFirst().flatMap(hexadecimal)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The path, with what is no part of a name escaped (RFC 3986, §2.1).
    public var path: String {
        switch self {
        case .status: "/v1/status"
        case .machines: "/v1/machines"
        case .machine(let name): "/v1/machines/\(name)"
        case .reasons(let name): "/v1/machines/\(name)/reasons"
        case .pools: "/v1/pools"
        // A path of pools is one segment here, so that it ends where it ends.
        // It has no entry, but its address is one of a pool.
        case .pool(.root): "/v1/pools/%2F"
        case .pool(let path): "/v1/pools/" + path.components.joined(separator: "%2F")
        case .journal: "/v1/journal"
        }
    }
}
