internal import HostSystem
internal import JSONText
internal import ManagerProtocol
internal import Resources

/// What outlives a manager: pools, and the settings of machines as they were last changed.
struct SavedState: Equatable {
    /// A machine's settings, for the process that has them.
    struct Machine: Equatable {
        let name: VMName
        let process: Int32
        let cpu: CPUAllocation
        let pool: PoolPath
    }

    var pools: [PoolEntry] = []
    var machines: [Machine] = []

    var json: JSONValue {
        [
            "version": 1,
            "pools": .array(
                pools.map { pool in
                    var members = [JSONMember("path", .string(pool.path.description))]
                    let change = PoolChange(
                        cpu: pool.settings.cpu.asChange, isExpandable: pool.settings.isExpandable)
                    if case .object(let settings) = change.json { members += settings }
                    return .object(members)
                }),
            "machines": .array(
                machines.map { machine in
                    var members = [
                        JSONMember("name", .string(machine.name.description)),
                        JSONMember("process", JSONValue(machine.process)),
                    ]
                    let change = MachineChange(cpu: machine.cpu.asChange, pool: machine.pool)
                    if case .object(let settings) = change.json { members += settings }
                    return .object(members)
                }),
        ]
    }

    init() {}

    /// Reads what `json` made. What cannot be read is left out: the machines run, and that counts.
    init(json: JSONValue) {
        if case .array(let items) = json["pools"] {
            for item in items {
                guard case .string(let text) = item["path"], let path = try? PoolPath(text),
                    let change = try? PoolChange(json: item.without("path")),
                    let settings = try? change.applied(to: .normal)
                else { continue }
                pools.append(PoolEntry(path: path, settings: settings))
            }
        }
        if case .array(let items) = json["machines"] {
            for item in items {
                guard case .string(let text) = item["name"], let name = try? VMName(text),
                    case .integer(let number) = item["process"], let process = Int32(exactly: number),
                    let change = try? MachineChange(json: item.without("name", "process")),
                    let cpu = try? change.cpu.applied(to: .normal)
                else { continue }
                machines.append(Machine(name: name, process: process, cpu: cpu, pool: change.pool ?? .root))
            }
        }
    }

    /// The most bytes of a file that are read: as many as the most pools and machines can have.
    private static let longest = 256 << 20

    /// Reads a file; nothing, if there is none or it cannot be read.
    init(path: String) {
        self.init()
        guard let text = RegularFile.contents(of: path, limit: Self.longest),
            let json = try? JSONValue(text: text, sizeLimit: Self.longest)
        else { return }
        self.init(json: json)
    }

    /// Writes a file anew, all or nothing.
    func write(to path: String) throws(SystemError) {
        let next = path + ".new"
        try FileTree.write(Array(json.text(.pretty).utf8), to: next)
        try FileTree.rename(next, to: path)
    }
}

extension JSONValue {
    fileprivate func without(_ keys: String...) -> JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { !keys.contains($0.key) })
    }
}
