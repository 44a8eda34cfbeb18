@testable import Resources

/// A tree, demands and a capacity that a seed repeats.
struct RandomTree {
    var random: SeededNumbers
    var pools: [PoolEntry] = []
    var machines: [VMEntry] = []
    var capacity: CPUAmount

    /// - Parameter admitted: whether every member was let in by admission control.
    init(seed: UInt64, mostVMs: Int = 24, admitted: Bool = false) throws {
        random = SeededNumbers(seed: seed)
        capacity = CPUAmount(clamping: Int64(random.below(random.chance(50) ? 3_000_000 : 12_000_000)))
        var tree = ResourceTree()
        for number in 0..<random.below(8) {
            let parent = random.chance(40) || pools.isEmpty ? nil : pools[random.below(pools.count)].path
            let prefix = parent.map { "\($0)/" } ?? ""
            guard (parent?.components.count ?? 0) < 5 else { continue }
            let entry = PoolEntry(
                path: try PoolPath("\(prefix)p\(number)"),
                settings: PoolSettings(cpu: try allocation(most: 6_000_000), isExpandable: random.chance(60)))
            if admitted, (try? tree.admit(.addPool(entry), capacity: capacity)) == nil { continue }
            pools.append(entry)
        }
        for number in 0..<random.below(mostVMs + 1) {
            let processors = 1 + random.below(4)
            let pool = random.chance(30) || pools.isEmpty ? .root : pools[random.below(pools.count)].path
            let entry = VMEntry(
                name: try VMName("vm\(number)"), pool: pool,
                settings: try VMSettings(
                    cpu: try allocation(most: processors * 1_000_000), virtualCPUs: processors))
            if admitted, (try? tree.admit(.addVM(entry), capacity: capacity)) == nil { continue }
            machines.append(entry)
        }
    }

    mutating func allocation(most: Int) throws -> CPUAllocation {
        let limit = random.chance(30) ? 1 + random.below(most) : nil
        let reservation = random.chance(35) ? random.below((limit ?? most) / 3 + 1) : 0
        return try CPUAllocation(
            shares: shares(), reservation: CPUAmount(clamping: Int64(reservation)),
            limit: limit.map { CPUAmount(clamping: Int64($0)) })
    }

    mutating func shares() -> CPUShares {
        switch random.below(6) {
        case 0: .low
        case 1: .high
        case 2: .custom(1 + random.below(1_000_000))
        case 3: .custom(1 + random.below(10))
        default: .normal
        }
    }

    /// Some idle, some want more than they can use.
    mutating func demands() -> [CPUAmount] {
        machines.map { _ in
            CPUAmount(
                clamping: Int64(random.chance(20) ? 0 : random.below(random.chance(50) ? 200_000 : 5_000_000))
            )
        }
    }

    /// The tree; `machines` are then in its order.
    mutating func tree() throws -> ResourceTree {
        let tree = try ResourceTree(pools: pools, virtualMachines: machines)
        machines = tree.virtualMachines
        return tree
    }
}
