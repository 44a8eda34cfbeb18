internal import Resources

/// How long it takes to divide the CPUs of a host among many VMs, and to decide for all of them.
///
/// No process, no kernel: the policy itself, on trees where there is not enough and every fourth VM is idle.
enum ResourcesBenchmark {
    private struct Size {
        let machines: Int
        let pools: Int
        /// The goal for one division, in microseconds.
        let goal: Double
    }

    private static let sizes = [
        Size(machines: 1000, pools: 100, goal: 2000), Size(machines: 10_000, pools: 1000, goal: 20_000),
    ]

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let runs = try options.number("runs", default: 31)
        var table = Table(["VMs", "pools", "tree µs", "divvy µs", "decision µs"])
        var judgements: [(Size, Double)] = []
        for size in sizes {
            let pools = try (0..<size.pools).map { number in try pool(number) }
            let machines = try (0..<size.machines).map { number in try machine(number, pools: pools) }
            let capacity = CPUAmount.cpus(size.machines / 20)
            var (building, dividing, deciding) = (Sample(), Sample(), Sample())
            for _ in 0..<runs {
                var tree = ResourceTree()
                building.add(
                    try microseconds { tree = try ResourceTree(pools: pools, virtualMachines: machines) })
                let demands = tree.virtualMachines.indices.map { place in
                    CPUAmount(clamping: place % 4 == 0 ? 0 : Int64(place * 7919 % 2_000_000))
                }
                var sum: Int64 = 0
                dividing.add(
                    microseconds {
                        let result = divvy(tree, demands: demands, capacity: capacity)
                        sum = tree.virtualMachines.indices.reduce(0) { $0 + result[$1].microCPUs }
                    })
                guard sum == capacity.microCPUs else {
                    throw BenchmarkError.regression(
                        "\(sum) of \(capacity.microCPUs) millionths were given out")
                }
                var policy = CPUPolicy(tree: tree, capacity: capacity)
                let observation = Observation(
                    time: 0,
                    virtualMachines: tree.virtualMachines.map {
                        Observation.VM(
                            name: $0.name, elapsed: 100_000_000,
                            times: CPUTimes(used: 20_000_000, ready: 9_000_000))
                    })
                deciding.add(microseconds { _ = policy.decide(observation) })
            }
            table.add(
                ["\(size.machines)", "\(size.pools)"]
                    + [building, dividing, deciding].map { $0.median.fixed(0) })
            let prefix = "resources.\(size.machines)"
            figures.add("\(prefix).tree-us", building.median)
            figures.add("\(prefix).divvy-us", dividing.median)
            figures.add("\(prefix).decision-us", deciding.median)
            judgements.append((size, dividing.median))
        }
        print(table.text)
        for (size, median) in judgements {
            figures.judge(
                "\(size.machines) VMs in \(size.pools) pools", median, atMost: size.goal, places: 0, "µs")
        }
    }

    private static func pool(_ number: Int) throws -> PoolEntry {
        PoolEntry(
            path: try PoolPath("pool\(number)"),
            settings: PoolSettings(cpu: try CPUAllocation(shares: .custom(100 + number * 37 % 5000))))
    }

    private static func machine(_ number: Int, pools: [PoolEntry]) throws -> VMEntry {
        let cpu = try CPUAllocation(
            shares: .custom(1 + number * 61 % 5000),
            reservation: CPUAmount(clamping: Int64(number % 3 * 1000)))
        return VMEntry(
            name: try VMName("machine\(number)"), pool: pools[number % pools.count].path,
            settings: try VMSettings(cpu: cpu, virtualCPUs: 1 + number % 4))
    }

    private static func microseconds(_ work: () throws -> Void) rethrows -> Double {
        let time = try ContinuousClock().measure(work)
        return Double(time.components.seconds) * 1e6 + Double(time.components.attoseconds) / 1e12
    }
}
