internal import JSONText
internal import ManagerProtocol
internal import Resources
internal import Specification

// What the manager tells, as values.
extension Manager {
    /// All machines that it looks after.
    func machines() throws(CommandFailure) -> [MachineReport] {
        try Self.list(try ask("GET", .machines), "machines") { (json) throws(ManagerProblem) in
            try MachineReport(json: json)
        }
    }

    /// All machines that it looks after; nil if no manager runs.
    func machinesIfRunning() throws(CommandFailure) -> [MachineReport]? {
        guard let answer = try askIfRunning("GET", .machines) else { return nil }
        return try Self.list(answer, "machines") { (json) throws(ManagerProblem) in
            try MachineReport(json: json)
        }
    }

    /// All pools, in the order of their paths.
    func pools() throws(CommandFailure) -> [PoolReport] {
        try Self.list(try ask("GET", .pools), "pools") { (json) throws(ManagerProblem) in
            try PoolReport(json: json)
        }
    }

    /// The manager itself.
    func status() throws(CommandFailure) -> ManagerStatus {
        let answer = try ask("GET", .status)
        return try Self.understood { () throws(ManagerProblem) in try ManagerStatus(json: answer) }
    }

    /// What an answer says, or that it is not understood: the two programs are of different versions then.
    static func understood<Value>(
        _ read: () throws(ManagerProblem) -> Value
    ) throws(CommandFailure) -> Value {
        do { return try read() } catch {
            throw CommandFailure(.software, "the resource manager's answer is not understood: \(error)")
        }
    }

    private static func list<Value>(
        _ answer: JSONValue, _ key: String, _ read: (JSONValue) throws(ManagerProblem) -> Value
    ) throws(CommandFailure) -> [Value] {
        guard case .array(let items) = answer[key] else {
            throw CommandFailure(.software, "the resource manager's answer has no \(key)")
        }
        return try understood { () throws(ManagerProblem) in
            var values: [Value] = []
            for item in items { values.append(try read(item)) }
            return values
        }
    }
}

extension JSONValue {
    /// An object with `version` 1 before its members: what commands print for programs.
    var versioned: JSONValue {
        guard case .object(let members) = self, self["version"] == nil else { return self }
        return .object([JSONMember("version", 1)] + members)
    }

    /// An object without some of its members.
    func without(_ keys: String...) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { !keys.contains($0.key) })
    }
}
