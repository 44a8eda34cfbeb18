import Resources

/// A simulated host and its controller, with entitlements that a test sets.
struct EnforcedHost {
    var host: SimulatedHost
    var enforcer: Enforcer
    let names: [VMName]
    var rights: [Double]
    private(set) var decisions: [EnforcementDecision] = []
    private var last: UInt64 = 0
    private(set) var usedAt: [(time: UInt64, used: [UInt64])] = []

    init(
        rights: [Double], virtualCPUs: [Int]? = nil, processors: Int, scale: WeightScale = .cgroupV1,
        holder: WeightHolder? = nil, seed: UInt64 = 1
    ) throws {
        let counts = virtualCPUs ?? rights.map { _ in 1 }
        host = SimulatedHost(processors: processors, virtualCPUs: counts, seed: seed)
        enforcer = Enforcer(scale: scale, processors: processors, holder: holder)
        names = try rights.indices.map { try VMName("vm\($0)") }
        self.rights = rights
    }

    /// Entitlements by weights, nobody above its virtual CPUs.
    static func rights(_ weights: [Double], processors: Int, virtualCPUs: [Int]? = nil) -> [Double] {
        var result = weights.map { _ in 0.0 }
        var open = Set(weights.indices)
        var rest = Double(processors)
        while !open.isEmpty {
            let sum = open.reduce(0) { $0 + weights[$1] }
            func most(_ index: Int) -> Double { Double(virtualCPUs?[index] ?? 1) }
            let full = open.filter { weights[$0] * rest / sum >= most($0) }
            if full.isEmpty {
                for index in open { result[index] = weights[index] * rest / sum }
                break
            }
            for index in full {
                result[index] = most(index)
                rest -= most(index)
                open.remove(index)
            }
        }
        return result
    }

    mutating func run(milliseconds: Int) {
        let end = host.now + UInt64(milliseconds) * 1_000_000
        while host.now < end {
            let decision = enforcer.tick(
                EnforcementInput(
                    elapsed: host.now - last,
                    virtualMachines: names.indices.map { index in
                        EnforcementInput.VM(
                            name: names[index], entitlement: amount(rights[index]),
                            atWorst: amount(rights[index]),
                            used: host.used[index],
                            virtualCPUs: host.threads(of: index).map { .init(run: $0.run, ready: $0.ready) })
                    }))
            last = host.now
            usedAt.append((host.now, host.used))
            decisions.append(decision)
            for (index, vm) in decision.virtualMachines.enumerated() {
                host.weights[index] = enforcer.scale.weight(of: vm.weight)
                if enforcer.holder == .eachThread { host.weights[index] *= Double(vm.placement.count) }
                host.place(index, vm.placement)
            }
            host.advance(max(Int(decision.wait / 1_000_000), 1))
        }
    }

    private func amount(_ cpus: Double) -> CPUAmount { CPUAmount(clamping: Int64(cpus * 1e6)) }

    /// By how much, at most, a VM got more or less than its part of what all got since a time, relative to it.
    func worstError(since start: UInt64, until end: UInt64 = .max) -> Double {
        guard let first = usedAt.first(where: { $0.time >= start }),
            let last = usedAt.last(where: { $0.time <= end })
        else { return .infinity }
        let got = zip(first.used, last.used).map { Double($1 - $0) }
        let all = got.reduce(0, +)
        let sum = rights.reduce(0, +)
        return zip(got, rights).map { abs($0 / all * sum / $1 - 1) }.max() ?? .infinity
    }

    /// The same in the worst window of a length.
    func worstError(inWindowsOf length: UInt64, since start: UInt64) -> Double {
        usedAt.filter { $0.time >= start && $0.time + length <= host.now }
            .map { worstError(since: $0.time, until: $0.time + length) }.max() ?? .infinity
    }
}
