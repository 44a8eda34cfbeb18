internal import Glibc
internal import HostSystem

/// Pools: what members share among themselves is no matter of the others'.
enum PoolExperiment {
    static func run(_ options: Options, _ figures: inout Figures) throws {
        var report = try ExperimentReport(
            options, title: "cpu-pools: web 2 (a 3, b 1), batch 1 (c, d), and e by itself 3, on one CPU",
            columns: ["phase", "a b c d e: entitled %", "measured %", "error %", "worst 1 s %"])
        let fleet = try SpinFleet(options, processors: "1")
        try fleet.run("pool", "create", "web", "--shares", "2000")
        try fleet.run("pool", "create", "batch", "--shares", "1000")
        let names = ["a", "b", "c", "d", "e"]
        let pools = ["web", "web", "batch", "batch", "/"]
        let shares = [3000, 1000, 1000, 1000, 3000]
        for index in names.indices {
            try fleet.start(
                names[index], flags: ["--pool", pools[index], "--cpu-shares", "\(shares[index])"])
        }
        var worst = (error: 0.0, second: 0.0)
        var whole: ShareRecording?
        func phase(_ title: String, _ expected: [Double]) throws {
            usleep(1_500_000)
            let recording = try ShareRecording(fleet, seconds: report.seconds)
            let present = expected.indices.filter { expected[$0] > 0 }
            let all = expected.reduce(0, +)
            let error =
                present.map { abs(recording.parts[$0] / (expected[$0] / all) - 1) * 100 }.max() ?? .nan
            let second =
                recording.windows(1).map { window in
                    present.map { abs(window.parts[$0] / (expected[$0] / all) - 1) * 100 }.max() ?? .nan
                }.max() ?? .nan
            worst = (max(worst.error, error), max(worst.second, second))
            report.add([
                title, ExperimentReport.percents(expected.map { $0 / all }),
                ExperimentReport.percents(recording.parts), error.fixed(2), second.fixed(2),
            ])
            if whole == nil { whole = recording } else { whole?.append(recording) }
        }
        // web, batch and e have 2 : 1 : 3.
        try phase("all busy", [2 * 0.75, 2 * 0.25, 0.5, 0.5, 3])
        try fleet.run("pause", "a")
        try phase("a idle: b has all of web's", [0, 2, 0.5, 0.5, 3])
        try fleet.run("pause", "e")
        try phase("e idle too: web 2, batch 1", [0, 2, 0.5, 0.5, 0])
        try fleet.run("resume", "a")
        try fleet.run("set", "b", "--pool", "batch")
        try phase("a awake, b moved to batch", [2, 1.0 / 3, 1.0 / 3, 1.0 / 3, 0])
        report.show()
        figures.judge("each VM's part", worst.error, atMost: 1, places: 2, "% off")
        figures.judge("each VM's part in any second", worst.second, atMost: 5, places: 2, "% off")
        guard let whole else { return }
        try report.draw(
            ShareChart(
                title: "Pools: web 2 (a 3, b 1), batch 1 (c, d), e 3; then a idle, e idle, b moved",
                horizontal: "seconds", vertical: "% of the CPU", lines: ExperimentReport.lines(whole, names)))
    }
}
