internal import JSONText
internal import ManagerProtocol
internal import Resources
internal import Specification

/// A file in YAML (or JSON) with an object at its top, and errors in it: `file:line:column: key: reason`.
struct DescriptionFile {
    /// As messages name it.
    let name: String
    let members: [JSONMember]

    /// Reads a file; `-` is standard input. The keys at the top are checked, and `version` must be 1.
    init(_ path: String, keys: [String]) throws(CommandFailure) {
        name = path == "-" ? "standard input" : Outcome.printable(path)
        let bytes = try InputFile.read(path, limit: YAMLText.longest)
        let value: JSONValue
        do { value = try YAMLText.value(of: bytes) } catch {
            throw Self.failure(in: name, error.position, error.reason)
        }
        guard case .object(let members) = value else {
            let found = value == .null ? "nothing" : value.kind
            throw Self.failure(
                in: name, nil, "expected keys (\(keys.joined(separator: ", "))), found \(found)")
        }
        self.members = members
        try refuseUnknown(members, known: keys, in: nil)
        guard let version = member("version") else { throw failure(nil, "version is missing: 'version: 1'") }
        guard version.value == 1 else {
            throw failure(
                version.position, "version is \(Self.shown(version.value)); this Roost reads version 1")
        }
    }

    private static func failure(
        in name: String, _ position: TextPosition?, _ reason: String
    ) -> CommandFailure {
        CommandFailure(.dataError, position.map { "\(name):\($0): \(reason)" } ?? "\(name): \(reason)")
    }

    /// An error at a place in the file.
    func failure(_ position: TextPosition?, _ reason: String) -> CommandFailure {
        Self.failure(in: name, position, reason)
    }

    /// A value as it may stand in a message.
    static func shown(_ value: JSONValue) -> String {
        let text = value.text()
        return text.utf8.count > 60 ? value.kind : text
    }

    /// The most pools, and the most machines: each is admitted with a look at all others.
    static let mostMembers = 4096

    func member(_ key: String) -> JSONMember? { members.first { $0.key == key } }

    /// Refuses keys that nobody knows.
    ///
    /// - Parameter place: the key of the object, for messages: `pools.web`; nil for the top.
    func refuseUnknown(_ members: [JSONMember], known: [String], in place: String?) throws(CommandFailure) {
        for member in members where !known.contains(member.key) {
            let key = JSONValue.string(String(member.key.prefix(60))).text()
            let nearest = Spelling.nearest(to: member.key, among: known).map { "; did you mean \"\($0)\"?" }
            throw failure(
                member.position,
                (place.map { "\($0): " } ?? "") + "unknown key \(key)"
                    + (nearest ?? "; allowed: \(known.joined(separator: ", "))"))
        }
    }

    /// The members of the object at a key of the top; none if it is not there or empty.
    func objects(_ key: String) throws(CommandFailure) -> [(member: JSONMember, content: [JSONMember])] {
        guard let top = member(key), top.value != .null else { return [] }
        guard case .object(let members) = top.value else {
            throw failure(top.position, "\(key) is \(top.value.kind); allowed: names and what they are")
        }
        guard members.count <= Self.mostMembers else {
            throw failure(top.position, "\(key) are \(members.count); allowed: at most \(Self.mostMembers)")
        }
        var list: [(member: JSONMember, content: [JSONMember])] = []
        for member in members {
            switch member.value {
            case .object(let content): list.append((member, content))
            case .null: list.append((member, []))
            default:
                throw failure(
                    member.position, "\(key).\(member.key) is \(member.value.kind); allowed: keys and values")
            }
        }
        return list
    }

    /// What `pools` describes, parents before those in them.
    func pools() throws(CommandFailure) -> [DescribedPool] {
        var pools: [DescribedPool] = []
        for (member, content) in try objects("pools") {
            let place = "pools.\(String(member.key.prefix(60)))"
            let path: PoolPath
            do { path = try PoolPath(member.key) } catch { throw failure(member.position, "pools: \(error)") }
            guard !path.isRoot else {
                throw failure(
                    member.position, "\(place): the root pool is the host itself, and cannot be set")
            }
            if let other = pools.first(where: { $0.path == path }) {
                throw failure(
                    member.position,
                    "\(place): it is described at \(other.position?.description ?? "the top") already")
            }
            try refuseUnknown(content, known: ["shares", "reservation", "limit", "expandable"], in: place)
            // One by one first, for the places of mistakes.
            for setting in content {
                do { _ = try PoolChange(json: .object([setting])) } catch {
                    throw failure(setting.position, "\(place): \(error)")
                }
            }
            let settings: PoolSettings
            do {
                settings = try PoolChange(json: .object(content)).applied(to: .normal)
            } catch { throw failure(member.position, "\(place): \(error)") }
            pools.append(DescribedPool(path: path, settings: settings, position: member.position))
        }
        return pools.sorted { $0.path < $1.path }
    }
}

/// A pool as a file describes it.
struct DescribedPool {
    let path: PoolPath
    let settings: PoolSettings
    let position: TextPosition?

    var entry: PoolEntry { PoolEntry(path: path, settings: settings) }
}
