internal import Glibc
internal import HostSystem

/// VMs with unequal numbers of virtual CPUs, and shares that cannot be had: one virtual CPU uses one CPU at most.
enum ProcessorExperiment {
    private static let mixes: [[(shares: Double, cpus: Int)]] = [
        [(1, 2), (1, 1)], [(2, 2), (1, 1), (1, 1)], [(10, 1), (1, 1), (1, 1)], [(10, 1), (1, 2)],
        [(1, 2), (1, 2)], [(3, 2), (1, 2)], [(1, 2), (1, 1), (1, 1), (1, 1)],
    ]

    static func run(_ options: Options, _ figures: inout Figures) throws {
        var report = try ExperimentReport(
            options, title: "cpu-smp: VMs with one and two virtual CPUs on two CPUs",
            columns: [
                "shares/virtual CPUs", "entitled %", "measured %", "error %", "by CPU time %", "worst 1 s %",
            ])
        var worst = (error: 0.0, second: 0.0)
        var drawn: (ShareRecording, [String])?
        for mix in mixes {
            let expected = ShareExperiment.entitled(
                mix.map(\.shares), cpus: 2, most: mix.map { Double($0.cpus) })
            let fleet = try SpinFleet(options, processors: "0,1")
            for (index, vm) in mix.enumerated() {
                try fleet.start(
                    "vm\(index)", cpus: vm.cpus, flags: ["--cpu-shares", "\(Int(vm.shares * 1000))"])
            }
            usleep(1_500_000)
            let recording = try ShareRecording(fleet, seconds: report.seconds)
            fleet.end()
            let error = recording.worstError(expected)
            let second = recording.worstError(expected, inWindowsOf: 1)
            worst = (max(worst.error, error), max(worst.second, second))
            let names = mix.map { "\(Int($0.shares))/\($0.cpus)" }
            if drawn == nil { drawn = (recording, names) }
            report.add([
                names.joined(separator: " "), ExperimentReport.percents(expected.map { $0 / 2 }),
                ExperimentReport.percents(recording.parts), error.fixed(2),
                ShareRecording.error(recording.timeParts, expected).fixed(2), second.fixed(2),
            ])
        }
        report.show()
        figures.judge("each VM's part", worst.error, atMost: 1, places: 2, "% off")
        figures.judge("each VM's part in any second", worst.second, atMost: 5, places: 2, "% off")
        guard let drawn else { return }
        try report.draw(
            ShareChart(
                title: "Two VMs of equal shares, with two and one virtual CPUs, on two CPUs",
                horizontal: "seconds", vertical: "% of both CPUs",
                lines: ExperimentReport.lines(drawn.0, drawn.1)))
    }
}
