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
    private var items: [VMName: [Item]] = [:]

    /// What is kept of a machine, the oldest first.
    subscript(name: VMName) -> [Item] { items[name] ?? [] }

    /// Takes a decision in: what moved by a hundredth of a CPU, or is new. Machines that are gone are forgotten.
    mutating func add(_ decision: Decision) {
        var next: [VMName: [Item]] = [:]
        next.reserveCapacity(decision.virtualMachines.count)
        for vm in decision.virtualMachines {
            var list = items[vm.name] ?? []
            let moved = list.last.map { abs($0.entitlement.microCPUs - vm.entitlement.microCPUs) >= 10_000 }
            if moved != false {
                if list.count == Self.limit { list.removeFirst() }
                list.append(
                    Item(
                        sequence: decision.sequence, time: decision.time, demand: vm.demand,
                        entitlement: vm.entitlement))
            }
            next[vm.name] = list
        }
        items = next
    }
}
