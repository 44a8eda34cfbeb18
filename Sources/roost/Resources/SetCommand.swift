internal import ArgumentParser
internal import JSONText
internal import ManagerProtocol
internal import Resources
internal import Specification

/// `roost set`.
struct SetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Changes what a running machine, or a pool, may have of the CPUs.",
        usage: "roost set [<options>] <NAME>",
        discussion: """
            NAME is a running machine's name, else a pool's path; where both are there, vm:NAME or \
            pool:PATH says which. What no flag names stays as it is. The change is in force when the \
            command returns, and what is in force is printed.

            EXAMPLES
              roost set web1 --cpu-shares high
              roost set web1 --cpu-reservation 50% --cpu-limit 150%
              roost set web1 --cpu-limit none --pool web/frontend
              roost set pool:web --cpu-shares 8000 --no-expandable
            """)

    @Argument(help: .init("A machine's name or a pool's path.", valueName: "NAME"))
    var target: String

    @OptionGroup var resources: ResourceOptions

    @Option(help: .init("The pool a machine moves to; / is the host itself.", valueName: "POOL"))
    var pool: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Whether members of a pool may reserve more than it does, from the pool around it.")
    var expandable: Bool?

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @OptionGroup var place: Place

    func run() throws {
        let change = try resources.change()
        let destination = try pool.map { (text) throws(CommandFailure) in
            try ResourceOptions.pool(text, "--pool")
        }
        guard !change.isEmpty || destination != nil || expandable != nil else {
            throw CommandFailure(.usage, "nothing is to change (see 'roost set --help')")
        }
        let manager = Manager(place.directory)
        switch try ResourceTarget.find(target, manager, place.directory) {
        case .machine(let name):
            guard expandable == nil else {
                throw CommandFailure(.usage, "\(name) is a machine: --expandable is for pools")
            }
            let answer = try manager.ask(
                "PATCH", .machine(name), MachineChange(cpu: change, pool: destination).json)
            let report = try Manager.understood { () throws(ManagerProblem) in
                try MachineReport(json: answer)
            }
            try show(answer, report.sentence)
        case .pool(let path):
            guard destination == nil else {
                throw CommandFailure(
                    .usage, "\(path) is a pool: --pool moves machines; a pool stays where it is")
            }
            let answer = try manager.ask(
                "PATCH", .pool(path), PoolChange(cpu: change, isExpandable: expandable).json)
            let report = try Manager.understood { () throws(ManagerProblem) in try PoolReport(json: answer) }
            try show(answer, report.sentence)
        }
    }

    private func show(_ answer: JSONValue, _ sentence: String) throws {
        try StandardOutput.write(json ? answer.versioned.text(.pretty) : sentence)
    }
}

/// What a name on the command line means.
enum ResourceTarget {
    case machine(VMName)
    case pool(PoolPath)

    /// A running machine of that name, else a pool of that path; `vm:` and `pool:` say which.
    ///
    /// - Throws: there is neither, or the machine runs unmanaged.
    static func find(
        _ text: String, _ manager: Manager, _ directory: MachineDirectory
    ) throws(CommandFailure) -> ResourceTarget {
        if text.hasPrefix("pool:") {
            return .pool(try ResourceOptions.ownPool(String(text.dropFirst(5)), "NAME"))
        }
        let isSurelyMachine = text.hasPrefix("vm:")
        let text = isSurelyMachine ? String(text.dropFirst(3)) : text
        let path = try isSurelyMachine ? .root : ResourceOptions.ownPool(text, "NAME")
        if isSurelyMachine { _ = try machine(text) }
        guard let machines = try manager.machinesIfRunning() else {
            try directory.refuseUnmanaged(text)
            throw manager.isMissing
        }
        let machine = machines.first { $0.name.description == text }
        if isSurelyMachine {
            if let machine { return .machine(machine.name) }
            try directory.refuseUnmanaged(text)
            throw CommandFailure(.noInput, "there is no managed machine '\(text)'")
        }
        let pool = try manager.pools().first { $0.path == path }
        switch (machine, pool) {
        case (.some, .some):
            throw CommandFailure(
                .usage, "there is a machine '\(text)' and a pool '\(text)': say vm:\(text) or pool:\(text)")
        case (.some(let machine), nil): return .machine(machine.name)
        case (nil, .some(let pool)): return .pool(pool.path)
        case (nil, nil):
            try directory.refuseUnmanaged(text)
            throw CommandFailure(.noInput, "there is neither a managed machine nor a pool '\(text)'")
        }
    }

    /// A machine's name, checked.
    static func machine(_ text: String) throws(CommandFailure) -> VMName {
        do { return try VMName(text) } catch { throw CommandFailure(.usage, "\(error)") }
    }
}

extension MachineDirectory {
    /// Refuses a machine that runs, and is not the manager's affair.
    func refuseUnmanaged(_ name: String) throws(CommandFailure) {
        guard let entry = try entries().first(where: { $0.name == name }), try entry.isAlive else { return }
        throw CommandFailure(
            .unavailable,
            "the machine \(name) runs unmanaged: nobody divides CPUs for it, and nothing can be set")
    }
}

extension MachineReport {
    /// What is in force, in one line.
    var sentence: String {
        let cpu = registration.cpu
        let settings = ResourceText.sentence(
            cpu, count: cpu.shares.count(virtualCPUs: registration.virtualCPUs))
        return "\(name): \(settings), pool \(registration.pool); "
            + "entitled to \(ResourceText.percent(entitlement)) now"
    }
}

extension PoolReport {
    /// What is in force, in one line.
    var sentence: String {
        let cpu = ResourceText.sentence(settings.cpu, count: settings.cpu.shares.poolCount)
        return "pool \(path): \(cpu), \(settings.isExpandable ? "" : "not ")expandable; "
            + "\(ResourceText.percent(unreserved)) unreserved"
    }
}
