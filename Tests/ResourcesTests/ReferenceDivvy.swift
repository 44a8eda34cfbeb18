@testable import Resources

/// The division once more, as simply as can be: recursive, by names, with fractions, no care for rounding.
struct ReferenceDivvy {
    let tree: ResourceTree
    let demands: [CPUAmount]
    private(set) var entitlements: [VMName: Double] = [:]

    private enum Member {
        case pool(PoolEntry)
        case vm(Int)
    }

    private struct Part {
        var low: Double
        var high: Double
        var shares: Double
        var get = 0.0
    }

    init(_ tree: ResourceTree, demands: [CPUAmount], capacity: CPUAmount) {
        self.tree = tree
        self.demands = demands
        let all = members(of: .root).map { wish($0).high }.reduce(0, +)
        give(min(Double(capacity.microCPUs), all), to: .root)
    }

    private func members(of pool: PoolPath) -> [Member] {
        tree.pools.filter { $0.path.parent == pool }.map { .pool($0) }
            + tree.virtualMachines.indices.filter { tree.virtualMachines[$0].pool == pool }.map { .vm($0) }
    }

    private func wish(_ member: Member) -> Part {
        switch member {
        case .vm(let place):
            let settings = tree.virtualMachines[place].settings
            let high = Double(min(demands[place], settings.ceiling).microCPUs)
            return Part(
                low: min(high, Double(settings.cpu.reservation.microCPUs)), high: high,
                shares: Double(settings.cpu.shares.count(virtualCPUs: settings.virtualCPUs)))
        case .pool(let entry):
            let inside = members(of: entry.path).map(wish)
            let cpu = entry.settings.cpu
            let limit = cpu.limit.map { Double($0.microCPUs) } ?? .infinity
            let high = min(limit, inside.map(\.high).reduce(0, +))
            let own = Double(cpu.reservation.microCPUs)
            let reserved = entry.settings.isExpandable ? max(own, inside.map(\.low).reduce(0, +)) : own
            return Part(low: min(reserved, high), high: high, shares: Double(cpu.shares.poolCount))
        }
    }

    private mutating func give(_ amount: Double, to pool: PoolPath) {
        let members = members(of: pool)
        var parts = members.map(wish)
        if parts.map(\.low).reduce(0, +) > amount {
            for place in parts.indices { (parts[place].low, parts[place].high) = (0, parts[place].low) }
        }
        // The price, by halving.
        var (below, above) = (0.0, 1e13)
        for _ in 0..<200 {
            let middle = (below + above) / 2
            let sum = parts.map { max($0.low, min($0.high, middle * $0.shares)) }.reduce(0, +)
            if sum <= amount { below = middle } else { above = middle }
        }
        for (member, part) in zip(members, parts) {
            let get = max(part.low, min(part.high, below * part.shares))
            switch member {
            case .vm(let place): entitlements[tree.virtualMachines[place].name] = get
            case .pool(let entry): give(get, to: entry.path)
            }
        }
    }
}
