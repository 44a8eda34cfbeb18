internal import Glibc
internal import HostSystem

/// Shares: the staircase of the lottery and stride papers, several VMs on one and two CPUs, a tree, and changes in
/// flight; beside it what the kernel's weights do alone.
enum ShareExperiment {
    /// The ratio that the lottery scheduler's best published run of a minute gave for 10:1 (Waldspurger and Weihl,
    /// OSDI 1994, figure 4).
    private static let lotteryAtTen = 13.42
    /// Seconds after a change before a measurement: what was promised to be in force by then is judged apart.
    private static let settling = 1.0

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let cases = options.text("case")?.split(separator: ",").map(String.init)
        func isWanted(_ name: String) -> Bool { cases?.contains(name) ?? true }
        if isWanted("staircase") { try staircase(options, &figures) }
        if isWanted("nice") { try niceValues(options, &figures) }
        if isWanted("mixes") { try mixes(options, &figures) }
        if isWanted("change") { try changes(options, &figures) }
    }

    private static func staircase(_ options: Options, _ figures: inout Figures) throws {
        var report = try ExperimentReport(
            options, title: "cpu-shares: two VMs on one CPU, their shares changed in flight, 1:1 to 10:1",
            columns: ["asked", "measured", "error %", "worst 1 s %", "kernel's weights alone", "error %"])
        let plain = try plainRatios(options, seconds: max(report.seconds / 2, 2))
        let fleet = try SpinFleet(options, processors: "1")
        try fleet.start("one", flags: ["--cpu-shares", "1000"])
        try fleet.start("two", flags: ["--cpu-shares", "1000"])
        var staircase: [(x: Double, y: Double)] = []
        var whole = 0.0
        var worst = (error: 0.0, second: 0.0)
        for ratio in 1...10 {
            try fleet.run("set", "one", "--shares", "\(1000 * ratio)")
            usleep(UInt32(settling * 1e6))
            let recording = try ShareRecording(fleet, seconds: report.seconds)
            let expected = [Double(ratio), 1]
            let error = recording.worstError(expected)
            let second = recording.worstError(expected, inWindowsOf: 1)
            worst = (max(worst.error, error), max(worst.second, second))
            let measured = recording.parts[0] / max(recording.parts[1], 1e-9)
            for window in recording.windows(0.5) {
                staircase.append((whole + window.time, window.parts[0] / max(window.parts[1], 1e-9)))
            }
            whole += report.seconds
            report.add([
                "\(ratio):1", measured.fixed(3), error.fixed(2), second.fixed(2), plain[ratio - 1].fixed(3),
                (abs(plain[ratio - 1] / Double(ratio) - 1) * 100).fixed(2),
            ])
            figures.add("cpu-shares.\(ratio)-to-1.error-percent", error)
        }
        report.show()
        print("  the lottery's published run gave \(lotteryAtTen) for 10:1\n")
        figures.judge(
            "each VM's part over \(Int(report.seconds)) s, all ratios", worst.error, atMost: 1, places: 2,
            "% off")
        figures.judge("each VM's part in any second", worst.second, atMost: 5, places: 2, "% off")
        var promised: [(x: Double, y: Double)] = []
        for ratio in 1...10 {
            let start = Double(ratio - 1) * report.seconds
            promised.append((x: start, y: Double(ratio)))
            promised.append((x: start + report.seconds, y: Double(ratio)))
        }
        let published: [(x: Double, y: Double)] = [
            (x: 9 * report.seconds, y: lotteryAtTen), (x: 10 * report.seconds, y: lotteryAtTen),
        ]
        try report.draw(
            ShareChart(
                title: "Two VMs, shares 1:1 to 10:1, changed in flight", horizontal: "seconds",
                vertical: "work of one for one of the other",
                lines: [
                    .init(name: "measured", points: staircase),
                    .init(name: "asked", points: promised, isDashed: true),
                    .init(name: "lottery, 10:1", points: published, isDashed: true),
                ]))
    }

    /// The same staircase by nice values alone, whose steps are a quarter each.
    private static func niceValues(_ options: Options, _ figures: inout Figures) throws {
        var report = try ExperimentReport(
            options, title: "cpu-shares: two VMs on one CPU by nice values alone, 1:1 to 10:1",
            columns: [
                "asked", "measured", "entitled %", "measured %", "error %", "by CPU time %", "worst 1 s %",
            ])
        let fleet = try SpinFleet(options, processors: "1", division: .niceValues)
        try fleet.start("one", flags: ["--cpu-shares", "1000"])
        try fleet.start("two", flags: ["--cpu-shares", "1000"])
        var worst = 0.0
        for ratio in 1...10 {
            try fleet.run("set", "one", "--shares", "\(1000 * ratio)")
            usleep(UInt32(settling * 1e6))
            let recording = try ShareRecording(fleet, seconds: report.seconds)
            let expected = [Double(ratio), 1]
            let error = recording.worstError(expected)
            worst = max(worst, error)
            let entitled = expected.map { $0 / expected.reduce(0, +) }
            report.add([
                "\(ratio):1", (recording.parts[0] / max(recording.parts[1], 1e-9)).fixed(3),
                ExperimentReport.percents(entitled), ExperimentReport.percents(recording.parts),
                error.fixed(2),
                ShareRecording.error(recording.timeParts, expected).fixed(2),
                recording.worstError(expected, inWindowsOf: 1).fixed(2),
            ])
            figures.add("cpu-shares.nice.\(ratio)-to-1.error-percent", error)
        }
        // What the manager says it did, lest something else be measured.
        let why = try fleet.run("why", "one")
        guard let force = why.split(separator: "\n").first(where: { $0.hasPrefix("In force by nice values") })
        else {
            throw BenchmarkError.contestant("roostd", "does not divide by nice values: \(why)")
        }
        report.show()
        print("  'roost why one' at the end: \(force)\n")
        figures.judge(
            "each VM's part over \(Int(report.seconds)) s by nice values alone, all ratios", worst, atMost: 3,
            places: 2, "% off")
    }

    private static func plainRatios(_ options: Options, seconds: Double) throws -> [Double] {
        var ratios: [Double] = []
        for ratio in 1...10 {
            let fleet = try SpinFleet(options, processors: "1", division: .weights)
            try fleet.start("one", weight: 100 * ratio)
            try fleet.start("two", weight: 100)
            usleep(300_000)
            let parts = try ShareRecording(fleet, seconds: seconds).parts
            ratios.append(parts[0] / max(parts[1], 1e-9))
        }
        return ratios
    }

    /// Shares on host CPUs.
    private static let mixed: [(processors: String, shares: [Int])] = [
        ("1", [1, 1]), ("1", [3, 2, 1]), ("1", [1, 1, 1, 1, 1, 1, 1, 1]), ("1", [8, 4, 2, 1]),
        ("0,1", [1, 1, 1]), ("0,1", [3, 2, 1]), ("0,1", [1, 1, 1, 1]), ("0,1", [2, 1, 1, 1, 1]),
        ("0,1", [3, 3, 2, 2, 1]), ("0,1", [1, 1, 1, 1, 1]), ("0,1", [4, 3, 2, 1, 1, 1]),
        ("0,1", [2, 2, 1, 1, 1, 1, 1]), ("0,1", [1, 1, 1, 1, 1, 1, 1, 1]),
    ]

    private static func mixes(_ options: Options, _ figures: inout Figures) throws {
        var report = try ExperimentReport(
            options, title: "cpu-shares: several VMs of one virtual CPU each",
            columns: [
                "CPUs", "shares", "entitled %", "measured %", "error %", "by CPU time %", "worst 1 s %",
                "weights alone: error %",
            ])
        var worst = (error: 0.0, second: 0.0)
        for (processors, shares) in mixed {
            let count = processors == "1" ? 1 : 2
            let expected = entitled(shares.map(Double.init), cpus: Double(count))
            let fleet = try SpinFleet(options, processors: processors)
            for (index, share) in shares.enumerated() {
                try fleet.start("vm\(index)", flags: ["--cpu-shares", "\(share * 1000)"])
            }
            usleep(UInt32(settling * 1e6))
            let recording = try ShareRecording(fleet, seconds: report.seconds)
            fleet.end()
            let plain = try SpinFleet(options, processors: processors, division: .weights)
            for (index, share) in shares.enumerated() { try plain.start("vm\(index)", weight: share * 1000) }
            usleep(300_000)
            let alone = try ShareRecording(plain, seconds: max(report.seconds / 2, 2)).worstError(expected)
            plain.end()
            let error = recording.worstError(expected)
            let second = recording.worstError(expected, inWindowsOf: 1)
            worst = (max(worst.error, error), max(worst.second, second))
            report.add([
                "\(count)", shares.map(String.init).joined(separator: ":"),
                ExperimentReport.percents(expected.map { $0 / Double(count) }),
                ExperimentReport.percents(recording.parts), error.fixed(2),
                ShareRecording.error(recording.timeParts, expected).fixed(2), second.fixed(2), alone.fixed(2),
            ])
            let name = shares.map(String.init).joined(separator: "-")
            figures.add("cpu-shares.\(count)-cpus.\(name).error-percent", error)
        }
        report.show()
        figures.judge("each VM's part, all mixes", worst.error, atMost: 1, places: 2, "% off")
        figures.judge("each VM's part in any second", worst.second, atMost: 5, places: 2, "% off")
    }

    /// What VMs of one virtual CPU are entitled to: nobody more than one CPU.
    static func entitled(_ shares: [Double], cpus: Double, most: [Double]? = nil) -> [Double] {
        var result = [Double](repeating: 0, count: shares.count)
        var open = Set(shares.indices)
        var rest = cpus
        while !open.isEmpty {
            let all = open.reduce(0) { $0 + shares[$1] }
            let full = open.filter { rest * shares[$0] / all >= (most?[$0] ?? 1) }
            guard !full.isEmpty else {
                for index in open { result[index] = rest * shares[index] / all }
                break
            }
            for index in full { result[index] = most?[index] ?? 1 }
            rest = cpus - result.reduce(0, +)
            open.subtract(full)
        }
        return result
    }

    /// How soon a change is in force, as the guests' counters tell.
    private static func changes(_ options: Options, _ figures: inout Figures) throws {
        print("cpu-shares: from 'roost set' to its being in force, in windows of 50 ms\n")
        let fleet = try SpinFleet(options, processors: "1")
        try fleet.start("one", flags: ["--cpu-shares", "1000"])
        try fleet.start("two", flags: ["--cpu-shares", "1000"])
        sleep(1)
        var delays: [Double] = []
        for round in 0..<9 {
            let shares = round.isMultiple(of: 2) ? 4000 : 1000
            let before = HostClock.monotonicNanoseconds()
            try fleet.run("set", "one", "--shares", "\(shares)")
            let command = Double(HostClock.monotonicNanoseconds() - before) / 1e6
            let recording = try ShareRecording(fleet, seconds: 0.6)
            let goal = shares == 4000 ? 0.8 : 0.5
            // In force from the first of three windows in succession that are within a tenth of the CPU of the new.
            let windows = recording.windows(0.05)
            let isThere = windows.map { abs($0.parts[0] - goal) < 0.1 }
            let first = isThere.indices.first {
                $0 + 2 < isThere.count && isThere[$0...($0 + 2)].allSatisfy { $0 }
            }
            delays.append(command + (first.map { windows[$0].time * 1000 } ?? .infinity))
            usleep(300_000)
        }
        delays.sort()
        print("  from the command's start: median \(delays[4].fixed(0)) ms, worst \(delays[8].fixed(0)) ms\n")
        figures.add("cpu-shares.change-ms", delays[4])
        figures.judge("a change is in force", delays[8], atMost: 250, places: 0, "ms")
    }
}
