internal import Resources

/// What no VM may exceed: its own limit, and its part of the limit of a pool that is at its limit.
///
/// The kernel knows nothing of pools here (the groups are flat), so a pool's limit is enforced by its members'.
/// A member that wakes finds at least its part at worst; who has more then falls back with the next decision.
struct PoolLimits {
    /// In the order of the decision's VMs; empty if there is no limit at all.
    private var limits: [(name: VMName, limit: CPUAmount?)] = []

    /// What a part may have grown before it is set: its fiftieth. The kernel begins a new period with a full quota
    /// whenever one is set, so that a limit that follows every millionth is no limit.
    private static let graceDivisor: Int64 = 50

    /// Nobody is limited.
    init() {}

    /// That of a VM by its place in the decision; nil if it has none.
    subscript(place: Int) -> CPUAmount? { place < limits.count ? limits[place].limit : nil }

    /// Follows a decision. Without limits it allocates nothing.
    mutating func update(_ entitlements: Entitlements, _ decision: Decision) {
        let tree = entitlements.tree
        guard
            tree.pools.contains(where: { $0.settings.cpu.limit != nil })
                || tree.virtualMachines.contains(where: { $0.settings.cpu.limit != nil })
        else { return limits.removeAll(keepingCapacity: true) }
        if !isFor(decision) { meet(decision) }
        let full = Self.poolsAtLimit(entitlements)
        for (place, (vm, part)) in zip(tree.virtualMachines, decision.virtualMachines).enumerated() {
            var limit = vm.settings.cpu.limit
            if full.contains(vm.pool) {
                let part = Self.steady(max(part.entitlement, part.atWorst), limits[place].limit)
                limit = min(limit ?? part, part)
            }
            limits[place].limit = limit
        }
    }

    private static func poolsAtLimit(_ entitlements: Entitlements) -> Set<PoolPath> {
        var full: Set<PoolPath> = []
        // A pool comes before those in it.
        for pool in entitlements.tree.pools {
            let isFull = pool.settings.cpu.limit.map { (entitlements[pool.path] ?? .zero) >= $0 } ?? false
            if isFull || !full.isEmpty && pool.path.parent.map(full.contains) == true {
                full.insert(pool.path)
            }
        }
        return full
    }

    private func isFor(_ decision: Decision) -> Bool {
        limits.count == decision.virtualMachines.count
            && limits.indices.allSatisfy { limits[$0].name == decision.virtualMachines[$0].name }
    }

    private mutating func meet(_ decision: Decision) {
        var known: [VMName: CPUAmount] = [:]
        for (name, limit) in limits { known[name] = limit }
        limits = decision.virtualMachines.map { ($0.name, known[$0.name]) }
    }

    /// What is set already, if that is not more and nearly as much.
    private static func steady(_ part: CPUAmount, _ before: CPUAmount?) -> CPUAmount {
        guard let before, before <= part else { return part }
        return part.microCPUs - before.microCPUs <= part.microCPUs / graceDivisor ? before : part
    }
}
