internal import HostControl
internal import HostSystem
internal import JSONText
internal import ManagerProtocol
internal import Resources

// What requests do. On the loop's thread.
extension ManagerCore {
    func answer(_ request: ManagerRequest) -> Result<ManagerReply, ManagerProblem> {
        do throws(ManagerProblem) {
            return .success(try reply(to: request))
        } catch {
            return .failure(error)
        }
    }

    private func reply(to request: ManagerRequest) throws(ManagerProblem) -> ManagerReply {
        switch request {
        case .status: return .value(status.json)
        case .machines:
            var decided: [VMName: Decision.VM] = [:]
            for vm in fleet.decision?.virtualMachines ?? [] { decided[vm.name] = vm }
            return .value([
                "version": 1,
                "machines": .array(fleet.tree.virtualMachines.map { report($0, decided[$0.name]).json }),
            ])
        case .machine(let name): return .value(try machineReport(name))
        case .register(let name, let registration):
            let isNew = machines[name] == nil
            try register(name, registration)
            changed()
            return isNew ? .made(try machineReport(name)) : .value(try machineReport(name))
        case .changeMachine(let name, let change):
            try changeMachine(name, change)
            changed()
            return .value(try machineReport(name))
        case .forget(let name):
            try forget(name)
            changed()
            return .done
        case .reasons(let name): return .value(try reasons(name))
        case .pools:
            let figures = PoolFigures(fleet)
            return .value([
                "version": 1, "pools": .array(fleet.tree.pools.map { figures.report($0).json }),
            ])
        case .pool(let path): return .value(PoolFigures(fleet).report(try pool(path)).json)
        case .makePool(let path, let change):
            let entry = PoolEntry(path: path, settings: try change.applied(to: .normal))
            try checkMechanism(entry.settings.cpu)
            try fleet.apply(.addPool(entry))
            changed()
            return .made(PoolFigures(fleet).report(entry).json)
        case .changePool(let path, let change):
            let settings = try change.applied(to: try pool(path).settings)
            if case .some(.some) = change.cpu.limit { try checkMechanism(settings.cpu) }
            try fleet.apply(.setPool(PoolEntry(path: path, settings: settings)))
            troubles.clear(.pool(path))
            changed()
            return .value(PoolFigures(fleet).report(try pool(path)).json)
        case .removePool(let path):
            try fleet.apply(.removePool(path))
            troubles.clear(.pool(path))
            changed()
            return .done
        case .journal: return .lines(fleet.journal.lines)
        }
    }

    /// Settings are in force, and written down, before the answer goes out.
    private func changed() {
        save()
        decide(Observation(time: HostClock.monotonicNanoseconds(), virtualMachines: []))
        enforce()
    }

    private func forget(_ name: VMName) throws(ManagerProblem) {
        guard let machine = machines[name] else { throw Self.unknown(name) }
        guard !machine.isRunning,
            directory.process(of: name) == nil
        else {
            throw ManagerProblem(.exists, "the machine '\(name)' is running: 'roost stop \(name)' ends it")
        }
        remove(name)
    }

    private var status: ManagerStatus {
        ManagerStatus(
            process: HostProcess.identifier,
            uptimeMilliseconds: (HostClock.monotonicNanoseconds() - started) / 1_000_000,
            mechanism: capabilities.mechanism.description,
            remarks: capabilities.remarks + (priorityRemark.map { [$0] } ?? [])
                + machineRemarks + troubles.sentences,
            capacity: fleet.policy.capacity,
            unreserved: PoolFigures(fleet).unreserved(in: .root), machines: machines.count)
    }

    /// What keeps machines from being divided, the first few.
    private var machineRemarks: [String] {
        let all = machines.values.filter(\.isRunning).compactMap { machine in
            machine.remark.map { "\(machine.name): \($0)" }
        }
        return Array(all.sorted().prefix(8))
    }

    private func machineReport(_ name: VMName) throws(ManagerProblem) -> JSONValue {
        guard let entry = fleet.tree[name] else { throw Self.unknown(name) }
        return report(entry, fleet.decision?.virtualMachines.first { $0.name == name }).json
    }

    private func report(_ vm: VMEntry, _ decided: Decision.VM?) -> MachineReport {
        let machine = machines[vm.name]
        return MachineReport(
            name: vm.name,
            registration: MachineRegistration(
                process: machine?.process ?? 1, virtualCPUs: vm.settings.virtualCPUs, cpu: vm.settings.cpu,
                pool: vm.pool), entitlement: decided?.entitlement ?? .zero,
            worstCase: decided?.atWorst ?? .zero, demand: fleet.policy.demand(of: vm.name),
            used: machine?.rates?.used, ready: machine?.rates?.ready, limited: machine?.rates?.limited)
    }

    private func pool(_ path: PoolPath) throws(ManagerProblem) -> PoolEntry {
        guard let entry = fleet.tree[path] else {
            throw ManagerProblem(.noSuchPool, "there is no pool '\(path)'")
        }
        return entry
    }

    /// The latest decision on a machine with its arithmetic, and how it came to that.
    private func reasons(_ name: VMName) throws(ManagerProblem) -> JSONValue {
        guard let explanation = fleet.policy.explain(name) else { throw Self.unknown(name) }
        let now = HostClock.monotonicNanoseconds()
        var sentences = explanation.sentences
        if let rates = machines[name]?.rates {
            let limited =
                rates.limited == .zero ? "" : ", and its limit kept it from \(rates.limited.thousandths) more"
            sentences.append(
                "Lately it used \(rates.used.thousandths) CPUs, and was ready for \(rates.ready.thousandths) more "
                    + "while others ran\(limited).")
        }
        if let setting = machines[name].flatMap(enforcement.description(of:)) { sentences.append(setting) }
        return [
            "version": 1, "name": .string(name.description),
            "decision": JSONValue(fleet.decision?.sequence ?? 0),
            "sentences": .array(sentences.map(JSONValue.string)),
            "history": .array(
                history[name].map { item in
                    [
                        "decision": JSONValue(item.sequence),
                        "millisecondsAgo": JSONValue(now > item.time ? (now - item.time) / 1_000_000 : 0),
                        "demand": item.demand.json, "entitlement": item.entitlement.json,
                    ]
                }),
        ]
    }
}

extension CPUAmount {
    /// What was measured, as exact as that can be: CPUs with three decimals at most.
    fileprivate var thousandths: CPUAmount { CPUAmount(clamping: (microCPUs + 500) / 1000 * 1000) }
}
