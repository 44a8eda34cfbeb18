internal import JSONText
internal import ManagerProtocol
internal import Resources
internal import Specification

/// A host as a file describes it, divided as the manager would: nothing is started.
struct WhatIfHost {
    /// Who was not admitted, and why.
    struct Refusal {
        let member: TreeMember
        let problem: ChangeError

        /// A sentence that names who it is.
        var sentence: String {
            switch problem {
            case .refused: "\(problem)"
            case .tree: "\(member): \(problem)"
            }
        }
    }

    private(set) var policy: CPUPolicy
    private(set) var refusals: [Refusal] = []
    private(set) var entitlements: Entitlements
    private(set) var atWorst: Entitlements
    private(set) var demands: [VMName: CPUAmount] = [:]

    /// What it is called in explanations: it need not be the one on which this runs.
    private static let host = "the described host"
    private static let settings = ["cpus", "shares", "reservation", "limit", "pool", "demand"]
    /// The same settings as `roost up` names them, so that its files can be asked about, too.
    private static let composeNames = [
        "cpuShares": "shares", "cpuReservation": "reservation", "cpuLimit": "limit",
    ]

    /// Reads a file, and admits its pools and its machines in order.
    ///
    /// - Parameter capacity: what there is, where the file does not say it.
    init(_ path: String, capacity usual: CPUAmount) throws(CommandFailure) {
        let file = try DescriptionFile(path, keys: ["version", "capacity", "pools", "machines"])
        let capacity = try Self.capacity(file) ?? usual
        let pools = try file.pools()
        var machines: [Machine] = []
        for (member, content) in try file.objects("machines") {
            machines.append(try Self.machine(member, content, file))
        }
        policy = CPUPolicy(capacity: capacity)
        if let tree = try? ResourceTree(pools: pools.map(\.entry), virtualMachines: machines.map(\.entry)),
            ReservationLedger(tree, capacity: capacity).isSound
        {
            // All fit at once, so each would have been admitted: one by one takes long where there are thousands.
            policy = CPUPolicy(tree: tree, capacity: capacity)
        } else {
            for pool in pools { try Self.admit(pool, &policy, &refusals, file) }
            for machine in machines { try Self.admit(machine, &policy, &refusals, file) }
        }
        for machine in machines where policy.tree[machine.entry.name] != nil {
            demands[machine.entry.name] = machine.demand ?? machine.entry.settings.ceiling
        }
        entitlements = divvy(policy.tree, demands: demands, capacity: capacity)
        atWorst = divvyAtWorst(policy.tree, capacity: capacity)
    }

    /// A machine as the file describes it.
    private struct Machine {
        let entry: VMEntry
        /// What it would use; nil: all it can.
        let demand: CPUAmount?
        let position: TextPosition?
    }

    private static func admit(
        _ pool: DescribedPool, _ policy: inout CPUPolicy, _ refusals: inout [Refusal], _ file: DescriptionFile
    ) throws(CommandFailure) {
        do { try policy.apply(.addPool(pool.entry)) } catch {
            guard case .refused = error else {
                throw file.failure(pool.position, "pools.\(pool.path): \(error)")
            }
            refusals.append(Refusal(member: .pool(pool.path), problem: error))
        }
    }

    private static func admit(
        _ machine: Machine, _ policy: inout CPUPolicy, _ refusals: inout [Refusal], _ file: DescriptionFile
    ) throws(CommandFailure) {
        let entry = machine.entry
        do { try policy.apply(.addVM(entry)) } catch {
            // Where its pool was refused, it has none.
            let hasLostPool = refusals.contains { $0.member == .pool(entry.pool) }
            if case .tree = error, !hasLostPool {
                throw file.failure(machine.position, "machines.\(entry.name): \(error)")
            }
            refusals.append(Refusal(member: .vm(entry.name), problem: error))
        }
    }

    private static func capacity(_ file: DescriptionFile) throws(CommandFailure) -> CPUAmount? {
        guard let member = file.member("capacity") else { return nil }
        do { return try CPUAmount(describedBy: member.value) } catch {
            throw file.failure(member.position, "capacity: \(error)")
        }
    }

    private static func machine(
        _ member: JSONMember, _ content: [JSONMember], _ file: DescriptionFile
    ) throws(CommandFailure) -> Machine {
        let place = "machines.\(String(member.key.prefix(70)))"
        try file.refuseUnknown(content, known: settings + MachineSpec.fieldNames, in: place)
        var change = MachineChange()
        var cpus = 1
        var demand: CPUAmount?
        var settingMembers: [JSONMember] = []
        for setting in content {
            let key = composeNames[setting.key] ?? setting.key
            switch key {
            case "cpus":
                guard case .integer(let count) = setting.value, let number = Int(exactly: count),
                    (1...VMSettings.mostVirtualCPUs).contains(number)
                else {
                    throw file.failure(
                        setting.position,
                        "\(place).cpus is \(DescriptionFile.shown(setting.value)); allowed: a whole number from 1 to "
                            + "\(VMSettings.mostVirtualCPUs)")
                }
                cpus = number
            case "demand":
                do { demand = try CPUAmount(describedBy: setting.value) } catch {
                    throw file.failure(setting.position, "\(place).demand: \(error)")
                }
            case "shares", "reservation", "limit", "pool":
                guard !settingMembers.contains(where: { $0.key == key }) else {
                    throw file.failure(setting.position, "\(place).\(setting.key): \(key) is there already")
                }
                let one = JSONMember(key, setting.value)
                settingMembers.append(one)
                // Alone first, for the place of a mistake.
                do { _ = try MachineChange(json: .object([one])) } catch {
                    throw file.failure(setting.position, "\(place): \(error)")
                }
            default: break  // What matters only when it runs.
            }
        }
        do {
            change = try MachineChange(json: .object(settingMembers))
            let settings = try VMSettings(cpu: try change.cpu.applied(to: .normal), virtualCPUs: cpus)
            let name = try VMName(member.key)
            return Machine(
                entry: VMEntry(name: name, pool: change.pool ?? .root, settings: settings), demand: demand,
                position: member.position)
        } catch {
            throw file.failure(member.position, "\(place): \(error)")
        }
    }

    /// Why a machine gets what it gets.
    func sentences(_ name: VMName) throws(CommandFailure) -> [String] {
        if let explanation = entitlements.explain(name) { return explanation.sentences(of: Self.host) }
        for refusal in refusals where refusal.member == .vm(name) { return ["\(refusal.sentence)."] }
        throw CommandFailure(.noInput, "the file describes no machine '\(name)'")
    }

    /// The table, and the refusals.
    var text: String {
        var table = TextTable([
            "NAME", "POOL", "CPUS", "SHARES", "RESERVED", "LIMIT", "DEMAND", "ENTITLED", "AT WORST",
        ])
        for (index, vm) in policy.tree.virtualMachines.enumerated() {
            let cpu = vm.settings.cpu
            table.add([
                "\(vm.name)", "\(vm.pool)", "\(vm.settings.virtualCPUs)", "\(cpu.shares)",
                ResourceText.reserved(cpu.reservation), ResourceText.percent(cpu.limit),
                ResourceText.percent(demands[vm.name]), ResourceText.percent(entitlements[index]),
                ResourceText.percent(atWorst[index]),
            ])
        }
        return (table.lines + refusals.map { "refused: \($0.sentence)" }).joined(separator: "\n")
    }

    /// For programs; amounts in CPUs.
    var json: JSONValue {
        let tree = policy.tree
        return [
            "version": 1, "capacity": policy.capacity.json,
            "pools": .array(
                tree.pools.map { pool in
                    [
                        "path": .string(pool.path.description),
                        "entitlement": (entitlements[pool.path] ?? .zero).json,
                    ]
                }),
            "machines": .array(
                tree.virtualMachines.indices.map { index in
                    let vm = tree.virtualMachines[index]
                    return [
                        "name": .string(vm.name.description), "pool": .string(vm.pool.description),
                        "cpus": JSONValue(vm.settings.virtualCPUs), "shares": vm.settings.cpu.shares.json,
                        "reservation": vm.settings.cpu.reservation.json,
                        "limit": vm.settings.cpu.limit?.json ?? .null,
                        "demand": (demands[vm.name] ?? .zero).json, "entitlement": entitlements[index].json,
                        "worstCase": atWorst[index].json,
                        "sentences": .array(
                            (entitlements.explain(vm.name)?.sentences(of: Self.host) ?? []).map(
                                JSONValue.string)),
                    ]
                }),
            "refusals": .array(
                refusals.map { refusal in
                    var (kind, name) = ("machine", "")
                    switch refusal.member {
                    case .pool(let path): (kind, name) = ("pool", path.description)
                    case .vm(let vm): name = vm.description
                    }
                    return [
                        "kind": .string(kind), "name": .string(name), "reason": .string(refusal.sentence),
                    ]
                }),
        ]
    }
}
