internal import HostSystem
internal import JSONText
internal import ManagerProtocol
internal import Resources
internal import Specification

/// What `roost up` has to do so that all that a file describes is there; made before anything is done.
struct ComposePlan {
    /// What there is to do for a pool or a machine.
    enum Action {
        /// It is there as it shall be.
        case keep
        /// It is there, with other settings of CPU.
        case set
        /// It is not there.
        case make
    }

    let pools: [(pool: DescribedPool, action: Action)]
    let machines: [(machine: ComposeFile.Machine, action: Action)]
    private let manager: Manager

    /// Compares a file with what runs, and checks all that can be checked.
    init(_ file: ComposeFile, in directory: MachineDirectory) throws(CommandFailure) {
        manager = Manager(directory)
        // What needs no manager is checked before one is started.
        let entries = try directory.entries()
        var isRunning: [Bool] = []
        for machine in file.machines {
            let entry = entries.first { $0.name == machine.spec.name }
            if let entry, try entry.isAlive {
                try Self.checkSame(entry, as: machine, file)
                isRunning.append(true)
            } else {
                try Self.checkFiles(of: machine, file)
                isRunning.append(false)
            }
        }
        var managed: [MachineReport] = []
        var livePools: [PoolReport] = []
        var capacity: CPUAmount?
        if Self.needsManager(file) {
            let answer = try manager.askStarting("GET", .status)
            capacity = try Manager.understood { () throws(ManagerProblem) in
                try ManagerStatus(json: answer).capacity
            }
            managed = try manager.machines()
            livePools = try manager.pools()
        }
        pools = file.pools.map { pool in
            let live = livePools.first { $0.path == pool.path }
            return (pool, live.map { $0.settings == pool.settings ? .keep : .set } ?? .make)
        }
        machines = zip(file.machines, isRunning).map { machine, isRunning in
            guard isRunning else { return (machine, .make) }
            let report = managed.first { $0.name.description == machine.spec.name }
            let isSame =
                report.map { $0.cpu == machine.spec.cpuAllocation && $0.pool == machine.spec.pool } ?? true
            return (machine, isSame ? .keep : .set)
        }
        if let capacity {
            try checkAdmission(file, capacity: capacity, pools: livePools, machines: managed)
        }
    }

    /// Whether anything in the file is the manager's matter.
    private static func needsManager(_ file: ComposeFile) -> Bool {
        guard file.pools.isEmpty else { return true }
        return file.machines.contains { PowerOn($0.spec).needsManager }
    }

    private static func checkFiles(
        of machine: ComposeFile.Machine, _ file: ComposeFile
    ) throws(CommandFailure) {
        do throws(CommandFailure) {
            try machine.spec.checkFiles()
        } catch {
            throw CommandFailure(error.code, file.failure(machine, error.message).message)
        }
    }

    /// A machine that runs must be what the file describes: most of it cannot be changed then.
    private static func checkSame(
        _ entry: MachineDirectory.Entry, as machine: ComposeFile.Machine, _ file: ComposeFile
    ) throws(CommandFailure) {
        guard let running = entry.specification else {
            throw CommandFailure(
                .tempFail, file.failure(machine, "it runs, and nothing says of what it was made").message)
        }
        guard let field = machine.spec.firstDifference(from: running) else { return }
        let value = { (spec: MachineSpec) in spec.json[field].map(DescriptionFile.shown) ?? "not set" }
        throw CommandFailure(
            .tempFail,
            file.failure(
                machine,
                "it runs already, and its \(field) is \(value(running)), not \(value(machine.spec)): "
                    + "'roost stop \(machine.spec.name)' first"
            ).message)
    }

    /// Makes all changes in a copy of the tree, as the manager will: what it would refuse is refused now.
    private func checkAdmission(
        _ file: ComposeFile, capacity: CPUAmount, pools live: [PoolReport], machines managed: [MachineReport]
    ) throws(CommandFailure) {
        var tree = ResourceTree()
        do {
            tree = try ResourceTree(
                pools: live.map { PoolEntry(path: $0.path, settings: $0.settings) },
                virtualMachines: try managed.map { report in
                    VMEntry(
                        name: report.name, pool: report.pool,
                        settings: try VMSettings(cpu: report.cpu, virtualCPUs: report.virtualCPUs))
                })
        } catch { throw CommandFailure(.software, "the resource manager's machines make no tree: \(error)") }
        for (pool, action) in pools {
            let change: TreeChange
            switch action {
            case .keep: continue
            case .set: change = .setPool(pool.entry)
            case .make: change = .addPool(pool.entry)
            }
            try admit(change, into: &tree, capacity) {
                file.file.failure(pool.position, "pools.\(pool.path): \($0)")
            }
        }
        for (machine, action) in machines where PowerOn(machine.spec).isWanted {
            for change in try changes(machine.spec, action, tree) {
                try admit(change, into: &tree, capacity) { file.failure(machine, $0) }
            }
        }
    }

    private func changes(
        _ spec: MachineSpec, _ action: Action, _ tree: ResourceTree
    ) throws(CommandFailure) -> [TreeChange] {
        do {
            let name = try VMName(spec.name)
            let settings = try VMSettings(cpu: spec.cpuAllocation, virtualCPUs: spec.cpus)
            switch action {
            case .keep: return []
            case .set: return try tree.changes(of: name, to: settings, in: spec.pool)
            case .make: return [.addVM(VMEntry(name: name, pool: spec.pool, settings: settings))]
            }
        } catch { throw CommandFailure(.dataError, "\(spec.name): \(error)") }
    }

    private func admit(
        _ change: TreeChange, into tree: inout ResourceTree, _ capacity: CPUAmount,
        _ failure: (String) -> CommandFailure
    ) throws(CommandFailure) {
        do { try tree.admit(change, capacity: capacity) } catch {
            let problem = failure("\(error)")
            guard case .refused = error else { throw problem }
            throw CommandFailure(.unavailable, problem.message)
        }
    }

    /// Does it: pools, then machines, each in their order.
    ///
    /// - Parameter tell: is told what was done: the kind of thing, its name, and what.
    func perform(_ tell: (String, String, String) throws(CommandFailure) -> Void) throws(CommandFailure) {
        for (pool, action) in pools {
            let change = PoolChange(cpu: pool.settings.cpu.asChange, isExpandable: pool.settings.isExpandable)
            switch action {
            case .keep: break
            case .set: try manager.ask("PATCH", .pool(pool.path), change.json)
            case .make: try manager.ask("POST", .pools, NewPool(path: pool.path, settings: change).json)
            }
            try tell("pool", "\(pool.path)", Self.word(action))
        }
        for (index, (machine, action)) in machines.enumerated() {
            do throws(CommandFailure) {
                switch action {
                case .keep: break
                case .set: try set(machine.spec)
                case .make:
                    if let status = try machine.spec.startDetached() {
                        throw CommandFailure(Specification.ExitCode(status: status), "it did not start")
                    }
                }
            } catch {
                throw CommandFailure(error.code, "\(machine.spec.name): \(error.message)\(rest(from: index))")
            }
            try tell("machine", machine.spec.name, action == .make ? "started" : Self.word(action))
        }
    }

    private func set(_ spec: MachineSpec) throws(CommandFailure) {
        let change = MachineChange(cpu: spec.cpuAllocation.asChange, pool: spec.pool)
        try manager.ask("PATCH", .machine(try ResourceTarget.machine(spec.name)), change.json)
    }

    private static func word(_ action: Action) -> String {
        switch action {
        case .keep: "there already"
        case .set: "set"
        case .make: "made"
        }
    }

    /// What was started and what was not, when the machine at a place failed.
    private func rest(from failed: Int) -> String {
        let made = machines.enumerated().filter { $0.element.action == .make }
        let started = made.filter { $0.offset < failed }.map(\.element.machine.spec.name)
        let missing = made.filter { $0.offset > failed }.map(\.element.machine.spec.name)
        return "; started: \(Self.names(started)); not started: \(Self.names(missing))"
    }

    private static func names(_ list: [String]) -> String {
        list.isEmpty ? "none" : list.joined(separator: ", ")
    }
}

extension MachineSpec {
    /// Makes sure early that what the worker will open can be opened.
    func checkFiles() throws(CommandFailure) {
        try InputFile.check(kernel, role: "kernel")
        if let initrd { try InputFile.check(initrd, role: "initrd") }
        for disk in disks { try InputFile.checkDisk(disk.path, isReadOnly: disk.isReadOnly) }
    }

    /// Starts the machine in the background, and returns when its guest runs.
    ///
    /// - Returns: the worker's exit status if it ended instead, and has said why itself.
    /// - Throws: what was refused.
    func startDetached() throws(CommandFailure) -> Int32? {
        var spec = self
        let power = PowerOn(spec)
        spec.isManaged = try power.ask(process: HostProcess.identifier)
        MachineDirectory(spec.runDirectory).prune()
        return try Worker.start(running: spec) { process throws(CommandFailure) in
            // It was admitted as this process, which ends: from now on it is that one.
            if spec.isManaged { _ = try power.ask(process: process) }
        }
    }
}

extension Specification.ExitCode {
    /// What a worker's status means.
    init(status: Int32) {
        let known: [Specification.ExitCode] = [
            .usage, .dataError, .noInput, .unavailable, .software, .osError, .cantCreate, .ioError, .tempFail,
            .noPermission,
        ]
        self = known.first { $0.status == status } ?? .software
    }
}
