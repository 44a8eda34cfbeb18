@testable import Resources

// Short ways to say trees in tests.

func cpus(_ text: String) throws -> CPUAmount { try CPUAmount(parsing: text) }

func pool(
    _ path: String, shares: CPUShares = .normal, reserved: String = "0", limit: String? = nil,
    expandable: Bool = true
) throws -> PoolEntry {
    PoolEntry(
        path: try PoolPath(path),
        settings: PoolSettings(
            cpu: try CPUAllocation(shares: shares, reservation: cpus(reserved), limit: limit.map(cpus)),
            isExpandable: expandable))
}

func vm(
    _ name: String, in pool: String = "/", shares: CPUShares = .normal, reserved: String = "0",
    limit: String? = nil, virtualCPUs: Int = 1
) throws -> VMEntry {
    VMEntry(
        name: try VMName(name), pool: try PoolPath(pool),
        settings: try VMSettings(
            cpu: CPUAllocation(shares: shares, reservation: cpus(reserved), limit: limit.map(cpus)),
            virtualCPUs: virtualCPUs))
}

extension Entitlements {
    /// In the order of names.
    var texts: [String] { tree.virtualMachines.indices.map { self[$0].description } }
}
