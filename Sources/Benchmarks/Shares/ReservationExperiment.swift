internal import Glibc
internal import HostSystem

/// Reservations and limits: a VM with 30 % reserved and the least shares beside eight hogs, and one with a limit.
enum ReservationExperiment {
    static func run(_ options: Options, _ figures: inout Figures) throws {
        var report = try ExperimentReport(
            options,
            title: "cpu-reservation: 30 % of a CPU reserved, the least shares, beside eight hogs on one CPU",
            columns: ["what", "% of a CPU"])
        let fleet = try SpinFleet(options, processors: "1")
        try fleet.start("reserved", flags: ["--cpu-shares", "1", "--cpu-reservation", "30%"])
        for hog in 1...8 { try fleet.start("hog\(hog)", flags: ["--cpu-shares", "high"]) }
        sleep(1)
        var recording = try ShareRecording(fleet, seconds: report.seconds)
        let reserved = recording.parts[0] * 100
        report.add(["reserved, busy", reserved.fixed(2)])
        report.add(["eight hogs together", ((1 - recording.parts[0]) * 100).fixed(2)])

        // Idle, as a paused machine is, and what the others have a tenth of a second later.
        try fleet.run("pause", "reserved")
        let idle = try ShareRecording(fleet, seconds: 1)
        let back = idle.windows(0.1).first.map { 1 - $0.parts[0] } ?? .nan
        recording.append(idle)
        try fleet.run("resume", "reserved")
        let awake = try ShareRecording(fleet, seconds: 2)
        recording.append(awake)
        let again = awake.windows(0.5).first.map { $0.parts[0] * 100 } ?? .nan
        report.add(["hogs, 0 to 100 ms after it went idle", (back * 100).fixed(2)])
        report.add(["reserved, 0 to 500 ms after it woke", again.fixed(2)])
        fleet.end()

        // A host CPU is slower just after it was idle, as it is under a machine that its limit holds back alone: so
        // counters judge beside another machine that takes the rest, which it would have to share without the limit.
        let limited = try SpinFleet(options, processors: "1")
        try limited.start("limited", flags: ["--cpu-limit", "30%"])
        sleep(1)
        let alone = try ShareRecording(limited, seconds: report.seconds).usedProcessors[0] * 100
        report.add(["limited to 30 %, alone, by CPU time", alone.fixed(2)])
        try limited.start("hog")
        sleep(1)
        let limit = try ShareRecording(limited, seconds: report.seconds).parts[0] * 100
        report.add(["limited to 30 %, beside a hog", limit.fixed(2)])
        limited.end()
        report.show()
        figures.add("cpu-reservation.reserved-percent", reserved)
        figures.add("cpu-reservation.limited-percent", limit)
        figures.judge(
            "a VM with 30 % reserved gets", isMet: reserved >= 29.5, "\(reserved.fixed(2)) %, at least 29.5")
        figures.judge(
            "gives it back within 100 ms", isMet: back >= 0.99, "others have \((back * 100).fixed(1)) %")
        figures.judge(
            "a limit of 30 % gives", isMet: (29...30.5).contains(limit), "\(limit.fixed(2)) %, 29 to 30.5")
        figures.judge(
            "and alone, by CPU time", isMet: (29...30.5).contains(alone), "\(alone.fixed(2)) %, 29 to 30.5")
        try report.draw(
            ShareChart(
                title: "30 % reserved beside eight hogs; idle, and awake again", horizontal: "seconds",
                vertical: "% of the CPU",
                lines: ExperimentReport.lines(recording, ["reserved"], window: 0.1) + [
                    .init(
                        name: "reservation",
                        points: [(x: 0, y: 30), (x: recording.samples.last?.time ?? 1, y: 30)], isDashed: true
                    )
                ]))
    }
}
