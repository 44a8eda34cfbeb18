extension JournalRecord {
    /// The line, without its end.
    public var line: String {
        var line = Self.version
        // Written often: each part is added by itself, since a text with values in it is one more that is made.
        switch self {
        case .checkpoint(let policy): Self.write(policy, to: &line)
        case .change(let change): line += " change " + Self.text(change)
        case .capacity(let capacity): line += " capacity amount=\(capacity.microCPUs)"
        case .observation(let observation):
            line.reserveCapacity(64 + 64 * observation.virtualMachines.count)
            line += " observation time=\(observation.time)"
            for vm in observation.virtualMachines {
                line.addVM(vm.name)
                line.add(vm.elapsed)
                line.add(vm.times.used)
                line.add(vm.times.ready)
                line.add(vm.times.limited)
            }
        case .decision(let decision):
            line.reserveCapacity(96 + 48 * decision.virtualMachines.count)
            line += " decision sequence=\(decision.sequence) time=\(decision.time)"
            line +=
                " capacity=\(decision.capacity.microCPUs) met=\(decision.reservationsAreMet ? "yes" : "no")"
            for vm in decision.virtualMachines {
                line.addVM(vm.name)
                line.add(vm.demand.microCPUs)
                line.add(vm.entitlement.microCPUs)
                line.add(vm.atWorst.microCPUs)
            }
        }
        return line
    }

    private static func write(_ policy: CPUPolicy, to line: inout String) {
        let spans = policy.spans
        line += " checkpoint sequence=\(policy.sequence) capacity=\(policy.capacity.microCPUs)"
        line += " spans=\(spans.fast),\(spans.slow),\(spans.trend)"
        for pool in policy.tree.pools { line += " pool=" + text(pool) }
        for (vm, estimator) in zip(policy.tree.virtualMachines, policy.estimators) {
            line += " vm=" + text(vm)
            if let averages = estimator.averages {
                line += ",\(averages.fast),\(averages.slow),\(averages.trend)"
            } else {
                line += ",-,-,-"
            }
        }
    }

    private static func text(_ change: TreeChange) -> String {
        switch change {
        case .addPool(let entry): "add-pool=" + text(entry)
        case .setPool(let entry): "set-pool=" + text(entry)
        case .removePool(let path): "remove-pool=\(path)"
        case .addVM(let entry): "add-vm=" + text(entry)
        case .setVM(let name, let settings): "set-vm=\(name)," + text(settings)
        case .moveVM(let name, let pool): "move-vm=\(name),\(pool)"
        case .removeVM(let name): "remove-vm=\(name)"
        }
    }

    private static func text(_ entry: PoolEntry) -> String {
        "\(entry.path),\(text(entry.settings.cpu)),\(entry.settings.isExpandable ? "expandable" : "fixed")"
    }

    private static func text(_ entry: VMEntry) -> String {
        "\(entry.name),\(entry.pool),\(text(entry.settings))"
    }

    private static func text(_ settings: VMSettings) -> String {
        "\(settings.virtualCPUs),\(text(settings.cpu))"
    }

    private static func text(_ cpu: CPUAllocation) -> String {
        let limit = cpu.limit.map { "\($0.microCPUs)" } ?? "-"
        return "\(cpu.shares),\(cpu.reservation.microCPUs),\(limit)"
    }
}

extension String {
    fileprivate mutating func addVM(_ name: VMName) {
        self += " vm="
        self += name.description
    }

    /// A number behind a comma.
    fileprivate mutating func add(_ number: some BinaryInteger) {
        self += ","
        self += String(number)
    }
}
