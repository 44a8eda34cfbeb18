import Testing

@testable import Resources

@Suite("Division, on thousands of random trees")
struct DivvyPropertyTests {
    static let seeds: Range<UInt64> = 0..<2000

    @Test("All that is there and wanted is given out, to the last millionth")
    func sums() throws {
        for seed in Self.seeds {
            var random = try RandomTree(seed: seed)
            let tree = try random.tree()
            let demands = random.demands()
            let result = divvy(tree, demands: demands, capacity: random.capacity)
            let sum = tree.virtualMachines.indices.reduce(0) { $0 + result[$1].microCPUs }
            let wanted = ReferenceWant(tree: tree, demands: demands).total
            #expect(sum == min(random.capacity.microCPUs, wanted), "seed \(seed)")
            for pool in tree.pools {
                let inside = tree.virtualMachines.indices.filter {
                    tree.virtualMachines[$0].pool.components.starts(with: pool.path.components)
                }
                let sum = inside.reduce(0) { $0 + result[$1].microCPUs }
                #expect(result[pool.path]?.microCPUs == sum, "seed \(seed) pool \(pool.path)")
                if let limit = pool.settings.cpu.limit { #expect(sum <= limit.microCPUs, "seed \(seed)") }
            }
        }
    }

    @Test("Nobody has more than its demand, its limit or its virtual CPUs")
    func bounds() throws {
        for seed in Self.seeds {
            var random = try RandomTree(seed: seed)
            let tree = try random.tree()
            let demands = random.demands()
            let result = divvy(tree, demands: demands, capacity: random.capacity)
            for (place, vm) in tree.virtualMachines.enumerated() {
                #expect(
                    result[place] <= demands[place] && result[place] <= vm.settings.ceiling, "seed \(seed)")
            }
        }
    }

    @Test(
        "An admitted reservation is met, as far as it is wanted; at worst all of it, and never the limit exceeded"
    )
    func reservations() throws {
        var reserved = 0
        for seed in Self.seeds {
            var random = try RandomTree(seed: seed, admitted: true)
            let tree = try random.tree()
            let demands = random.demands()
            let now = divvy(tree, demands: demands, capacity: random.capacity)
            let worst = divvyAtWorst(tree, capacity: random.capacity)
            #expect(now.reservationsAreMet && worst.reservationsAreMet, "seed \(seed)")
            for (place, vm) in tree.virtualMachines.enumerated() {
                let reservation = vm.settings.cpu.reservation
                if reservation > .zero { reserved += 1 }
                #expect(now[place] >= min(reservation, demands[place]), "seed \(seed) \(vm.name)")
                #expect(
                    reservation <= worst[place] && worst[place] <= vm.settings.ceiling,
                    "seed \(seed) \(vm.name)")
            }
        }
        #expect(reserved > 700)
    }

    @Test("The order in which members are named makes no difference")
    func order() throws {
        for seed in Self.seeds {
            var random = try RandomTree(seed: seed)
            let tree = try random.tree()
            let demands = random.demands()
            let one = divvy(tree, demands: demands, capacity: random.capacity)
            random.random.shuffle(&random.pools)
            random.random.shuffle(&random.machines)
            let other = divvy(try random.tree(), demands: demands, capacity: random.capacity)
            #expect(one.granted == other.granted, "seed \(seed)")
        }
    }

    @Test("More shares never take from the VM that gets them, and never give to another in its pool")
    func monotoneInShares() throws {
        var grew = 0
        for seed in Self.seeds {
            var random = try RandomTree(seed: seed)
            let tree = try random.tree()
            guard let vm = tree.virtualMachines.indices.randomElement(by: &random.random) else { continue }
            let demands = random.demands()
            let settings = tree.virtualMachines[vm].settings
            let few = settings.cpu.shares.count(virtualCPUs: settings.virtualCPUs)
            guard few < 1_000_000 else { continue }
            let many = few + 1 + random.random.below(random.random.chance(50) ? 3 : 1_000_000 - few)
            var next = tree
            try next.apply(
                .setVM(
                    tree.virtualMachines[vm].name,
                    try VMSettings(
                        cpu: try CPUAllocation(
                            shares: .custom(min(many, 1_000_000)), reservation: settings.cpu.reservation,
                            limit: settings.cpu.limit),
                        virtualCPUs: settings.virtualCPUs)))
            let before = divvy(tree, demands: demands, capacity: random.capacity)
            let after = divvy(next, demands: demands, capacity: random.capacity)
            if after[vm] > before[vm] { grew += 1 }
            #expect(after[vm] >= before[vm], "seed \(seed)")
            for other in tree.virtualMachines.indices
            where other != vm && tree.virtualMachines[other].pool == tree.virtualMachines[vm].pool {
                #expect(after[other] <= before[other], "seed \(seed)")
            }
        }
        #expect(grew > 130)
    }

    @Test("More shares for a pool never take from any VM in it, and never give to one beside it")
    func monotoneInPoolShares() throws {
        var grew = 0
        for seed in Self.seeds {
            var random = try RandomTree(seed: seed)
            let tree = try random.tree()
            guard let place = tree.pools.indices.randomElement(by: &random.random) else { continue }
            let demands = random.demands()
            let pool = tree.pools[place]
            let few = pool.settings.cpu.shares.poolCount
            guard few < 1_000_000 else { continue }
            var next = tree
            let cpu = try CPUAllocation(
                shares: .custom(few + 1 + random.random.below(1_000_000 - few)),
                reservation: pool.settings.cpu.reservation, limit: pool.settings.cpu.limit)
            try next.apply(
                .setPool(
                    PoolEntry(
                        path: pool.path,
                        settings: PoolSettings(cpu: cpu, isExpandable: pool.settings.isExpandable))))
            let before = divvy(tree, demands: demands, capacity: random.capacity)
            let after = divvy(next, demands: demands, capacity: random.capacity)
            for (vm, entry) in tree.virtualMachines.enumerated() {
                if entry.pool.components.starts(with: pool.path.components) {
                    if after[vm] > before[vm] { grew += 1 }
                    #expect(after[vm] >= before[vm], "seed \(seed)")
                } else if entry.pool == pool.path.parent {
                    #expect(after[vm] <= before[vm], "seed \(seed)")
                }
            }
        }
        #expect(grew > 70)
    }

    @Test("More capacity never takes from anyone, were it one millionth")
    func monotoneInCapacity() throws {
        for seed in Self.seeds {
            var random = try RandomTree(seed: seed)
            let tree = try random.tree()
            let demands = random.demands()
            let more = CPUAmount(
                clamping: random.capacity.microCPUs + 1
                    + Int64(random.random.below(random.random.chance(60) ? 3 : 1_000_000)))
            let before = divvy(tree, demands: demands, capacity: random.capacity)
            let after = divvy(tree, demands: demands, capacity: more)
            for vm in tree.virtualMachines.indices { #expect(after[vm] >= before[vm], "seed \(seed)") }
        }
    }

    @Test("Who would use more never gets less for it")
    func monotoneInDemand() throws {
        for seed in Self.seeds {
            var random = try RandomTree(seed: seed)
            let tree = try random.tree()
            guard let vm = tree.virtualMachines.indices.randomElement(by: &random.random) else { continue }
            var demands = random.demands()
            let before = divvy(tree, demands: demands, capacity: random.capacity)
            demands[vm] = CPUAmount(
                clamping: demands[vm].microCPUs + Int64(1 + random.random.below(1_000_000)))
            let after = divvy(tree, demands: demands, capacity: random.capacity)
            #expect(after[vm] >= before[vm], "seed \(seed)")
        }
    }

    @Test("A simple division with fractions comes to the same")
    func reference() throws {
        for seed in Self.seeds {
            var random = try RandomTree(seed: seed)
            let tree = try random.tree()
            let demands = random.demands()
            let result = divvy(tree, demands: demands, capacity: random.capacity)
            let reference = ReferenceDivvy(tree, demands: demands, capacity: random.capacity)
            for (place, vm) in tree.virtualMachines.enumerated() {
                let other = try #require(reference.entitlements[vm.name])
                // Roundings add up from pool to pool: some millionths of a CPU.
                #expect(abs(Double(result[place].microCPUs) - other) <= 24, "seed \(seed) \(vm.name)")
            }
        }
    }

    @Test("Extreme shares, amounts and depths lose nothing either")
    func extremes() throws {
        let greatest = try VMSettings(
            cpu: try CPUAllocation(shares: .high), virtualCPUs: VMSettings.mostVirtualCPUs)
        let least = try VMSettings(
            cpu: try CPUAllocation(shares: .custom(1)), virtualCPUs: VMSettings.mostVirtualCPUs)
        var pools: [PoolEntry] = []
        var path = ""
        for depth in 1...PoolPath.deepest {
            path += (depth == 1 ? "" : "/") + "p\(depth)"
            pools.append(PoolEntry(path: try PoolPath(path)))
        }
        let deepest = try PoolPath(path)
        for capacity in [0, 1, 2, 3, 1_000_003, CPUAmount.greatest - 1, CPUAmount.greatest] {
            var machines: [VMEntry] = []
            for number in 0..<400 {
                machines.append(
                    VMEntry(
                        name: try VMName("vm\(number)"), pool: number % 2 == 0 ? .root : deepest,
                        settings: number % 3 == 0 ? greatest : least))
            }
            let tree = try ResourceTree(pools: pools, virtualMachines: machines)
            let result = divvyAtWorst(tree, capacity: CPUAmount(clamping: capacity))
            let sum = tree.virtualMachines.indices.reduce(0) { $0 + result[$1].microCPUs }
            #expect(sum == min(capacity, 400 * greatest.ceiling.microCPUs))
        }
    }
}

/// What a tree wants in all, limits considered, by recursion.
private struct ReferenceWant {
    let tree: ResourceTree
    let demands: [CPUAmount]

    var total: Int64 { want(of: .root) }

    private func want(of pool: PoolPath) -> Int64 {
        let machines = tree.virtualMachines.indices.filter { tree.virtualMachines[$0].pool == pool }
            .map { min(demands[$0], tree.virtualMachines[$0].settings.ceiling).microCPUs }
        let pools = tree.pools.filter { $0.path.parent == pool }.map { entry in
            min(want(of: entry.path), entry.settings.cpu.limit?.microCPUs ?? .max)
        }
        return (machines + pools).reduce(0, +)
    }
}

extension Range<Int> {
    /// One of them; nil of none.
    func randomElement(by random: inout SeededNumbers) -> Int? {
        isEmpty ? nil : lowerBound + random.below(count)
    }
}
