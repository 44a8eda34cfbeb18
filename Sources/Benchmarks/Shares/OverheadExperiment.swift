internal import Glibc
internal import HostSystem

/// What the manager costs: its own CPU time with few and with many machines, and the work that machines do while it
/// divides, beside what they do while it is stopped and its last settings stay in force.
enum OverheadExperiment {
    /// Machines, and their shares in thousands, by turns.
    private static let fleets: [(count: Int, shares: [Int])] = [(3, [3, 2, 1]), (8, [1]), (50, [1, 2])]
    /// Pairs of a time with the manager and one without it.
    private static let rounds = 12

    static func run(_ options: Options, _ figures: inout Figures) throws {
        var report = try ExperimentReport(
            options,
            title: "cpu-overhead: busy machines on two CPUs, the manager at work and stopped by turns",
            columns: ["machines", "manager, % of a CPU", "work with it, % of without"])
        var atFifty = Double.nan
        var worst = Double.infinity
        for (count, shares) in fleets {
            let fleet = try SpinFleet(options, processors: "0,1")
            for index in 0..<count {
                try fleet.start(
                    "vm\(index)", flags: ["--cpu-shares", "\(shares[index % shares.count] * 1000)"])
            }
            usleep(2_000_000)
            let result = try measure(fleet, seconds: report.seconds)
            fleet.end()
            report.add(["\(count)", result.manager.fixed(3), result.work.fixed(2)])
            figures.add("cpu-overhead.\(count)-machines.manager-percent", result.manager)
            figures.add("cpu-overhead.\(count)-machines.work-percent", result.work)
            if count == 50 { atFifty = result.manager }
            worst = min(worst, result.work)
        }
        report.show()
        figures.judge("the manager with 50 machines", atFifty, atMost: 0.5, places: 3, "% of a CPU")
        figures.judge(
            "useful work with the manager", isMet: worst >= 99.5, "\(worst.fixed(2)) %, at least 99.5")
    }

    private static func measure(
        _ fleet: SpinFleet, seconds: Double
    ) throws -> (manager: Double, work: Double) {
        guard let manager = try fleet.managerProcess() else {
            throw BenchmarkError.unavailable("the machines have no manager")
        }
        defer { kill(manager, SIGCONT) }
        let part = max(seconds / Double(2 * rounds), 0.2)
        var ratios: [Double] = []
        var time = 0.0
        var used = 0.0
        var before = 0.0
        for round in 0..<rounds {
            // First one, then the other first: what drifts is nobody's.
            var rates = [0.0, 0.0]
            for isStopped in round.isMultiple(of: 2) ? [false, true] : [true, false] {
                kill(manager, isStopped ? SIGSTOP : SIGCONT)
                usleep(50_000)
                before = Double(try ThreadScheduling.processorTime(ofProcess: manager))
                let recording = try ShareRecording(fleet, seconds: part)
                rates[isStopped ? 1 : 0] = recording.rates.reduce(0, +)
                guard !isStopped else { continue }
                used += Double(try ThreadScheduling.processorTime(ofProcess: manager)) - before
                time += part * 1e9
            }
            if rates[1] > 0 { ratios.append(rates[0] / rates[1]) }
        }
        ratios.sort()
        return (
            used / time * 100,
            ratios.isEmpty ? .nan : (ratios[(ratios.count - 1) / 2] + ratios[ratios.count / 2]) * 50
        )
    }
}
