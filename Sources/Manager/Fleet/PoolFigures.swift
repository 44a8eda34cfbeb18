internal import ManagerProtocol
internal import Resources

/// What answers about pools are made of: worked out once, however many pools are told of.
struct PoolFigures {
    private let entitlements: Entitlements
    private let ledger: ReservationLedger
    /// Machines directly in each pool.
    private var machines: [PoolPath: Int] = [:]

    init(_ fleet: Fleet) {
        entitlements = fleet.policy.entitlements
        ledger = ReservationLedger(fleet.tree, capacity: fleet.policy.capacity)
        for vm in fleet.tree.virtualMachines { machines[vm.pool, default: 0] += 1 }
    }

    func report(_ pool: PoolEntry) -> PoolReport {
        PoolReport(
            path: pool.path, settings: pool.settings, machines: machines[pool.path] ?? 0,
            entitlement: entitlements[pool.path] ?? .zero, unreserved: unreserved(in: pool.path))
    }

    /// What may still be reserved in a pool: of its own reservation what members have not, and, if it is expandable,
    /// what may still be reserved in the pool around it, all within its limit.
    func unreserved(in path: PoolPath) -> CPUAmount {
        guard let account = ledger[path] else { return .zero }
        if account.source == .host || account.source == .reservation { return account.unreserved ?? .zero }
        let own = account.asked.subtracting(account.reserved) ?? .zero
        let around = path.parent.map(unreserved(in:)) ?? .zero
        let all = own.adding(around) ?? .maximum
        return account.unreserved.map { min($0, all) } ?? all
    }
}
