internal import Resources

/// What no VM may exceed: its own limit, and its part of the limit of a pool that is at its limit.
///
/// The kernel knows nothing of pools here (the groups are flat), so a pool's limit is enforced by its members'.
/// A member that wakes finds at least its part at worst; who has more then falls back with the next decision.
struct PoolLimits {
    private(set) var limits: [VMName: CPUAmount] = [:]

    /// What a part may have grown before it is set: its fiftieth. The kernel begins a new period with a full quota
    /// whenever one is set, so that a limit that follows every millionth is no limit.
    private static let graceDivisor: Int64 = 50

    /// - Parameter before: those of the decision before.
    init(_ entitlements: Entitlements, _ decision: Decision, before: [VMName: CPUAmount] = [:]) {
        let tree = entitlements.tree
        // A pool comes before those in it.
        var isAtLimit: Set<PoolPath> = []
        for pool in tree.pools {
            let isFull = pool.settings.cpu.limit.map { (entitlements[pool.path] ?? .zero) >= $0 } ?? false
            if isFull || pool.path.parent.map(isAtLimit.contains) == true { isAtLimit.insert(pool.path) }
        }
        for (vm, part) in zip(tree.virtualMachines, decision.virtualMachines) {
            var limit = vm.settings.cpu.limit
            if isAtLimit.contains(vm.pool) {
                let part = Self.steady(max(part.entitlement, part.atWorst), before[vm.name])
                limit = min(limit ?? part, part)
            }
            if let limit { limits[vm.name] = limit }
        }
    }

    /// What is set already, if that is not more and nearly as much.
    private static func steady(_ part: CPUAmount, _ before: CPUAmount?) -> CPUAmount {
        guard let before, before <= part else { return part }
        return part.microCPUs - before.microCPUs <= part.microCPUs / graceDivisor ? before : part
    }
}
