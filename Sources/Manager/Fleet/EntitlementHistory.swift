internal import Resources

/// When and how machines' entitlements changed lately, in bounded memory.
struct EntitlementHistory {
    /// A change.
    struct Item: Equatable {
        let sequence: UInt64
        let time: UInt64
        let demand: CPUAmount
        let entitlement: CPUAmount
    }

    /// The most changes that are kept of a machine.
    static let limit = 16
    /// In the order of the latest decision.
    private var machines: [(name: VMName, items: [Item])] = []

    /// What is kept of a machine, the oldest first.
    subscript(name: VMName) -> [Item] { machines.first { $0.name == name }?.items ?? [] }

    /// Takes a decision in: what moved by a hundredth of a CPU, or is new. Machines that are gone are forgotten.
    mutating func add(_ decision: Decision) {
        if !isFor(decision) { meet(decision) }
        for (place, vm) in decision.virtualMachines.enumerated() {
            if let last = machines[place].items.last,
                abs(last.entitlement.microCPUs - vm.entitlement.microCPUs) < 10_000
            {
                continue
            }
            if machines[place].items.count == Self.limit { machines[place].items.removeFirst() }
            machines[place].items.append(
                Item(
                    sequence: decision.sequence, time: decision.time, demand: vm.demand,
                    entitlement: vm.entitlement))
        }
    }

    private func isFor(_ decision: Decision) -> Bool {
        machines.count == decision.virtualMachines.count
            && machines.indices.allSatisfy { machines[$0].name == decision.virtualMachines[$0].name }
    }

    private mutating func meet(_ decision: Decision) {
        var known: [VMName: [Item]] = [:]
        for machine in machines { known[machine.name] = machine.items }
        machines = decision.virtualMachines.map { ($0.name, known[$0.name] ?? []) }
    }
}
