internal import HostSystem

/// The cost of an exit to user space and back: the time between the lines `S` and `E` of the guest `ports`,
/// as seen from outside.
struct ExitBenchmark {
    private struct Result {
        var loop = Sample()
        var cpu = Sample()
    }

    private struct Kind {
        let name: String
        let guestKind: String
        let defaultCount: Int
    }

    private static let kinds = [
        Kind(name: "port-ring0", guestKind: "port", defaultCount: 50_000),
        Kind(name: "port-ring3", guestKind: "port-ring3", defaultCount: 20_000),
    ]

    static func run(_ options: Options, _ figures: inout Figures) throws {
        // Where time is counted instructions one long run says more than many short ones.
        let runs = options.has("counted") ? 1 : try options.number("runs", default: 31)
        let contestants = try Contestant.all(options).filter {
            // Once it runs, it is the same process as roost-vmm; the other two likewise.
            ![Contestant.commandLineTool, "raw-no-irqchip", "qemu-options-off"].contains($0.name)
        }
        for kind in kinds {
            let count = try options.number("count", default: kind.defaultCount)
            let work = Workload(
                kernel: try options.guest("ports"), commandLine: "kind=\(kind.guestKind) count=\(count)",
                memoryMiB: 128)
            var results = contestants.map { _ in Result() }
            for _ in 0..<runs {
                for (index, contestant) in contestants.enumerated() {
                    try measure(contestant, work, &results[index])
                }
            }
            print(
                "exits: \(count) writes to a port where nothing is, \(kind.name); \(runs) runs each, interleaved\n"
            )
            report(kind, count, contestants, results, &figures)
        }
    }

    private static func measure(_ contestant: Contestant, _ work: Workload, _ result: inout Result) throws {
        var process = try ChildProcess(contestant.command(work, Contestant.machineName(0)))
        var watch = OutputWatch()
        guard let start = try watch.line("S", of: process), !watch.contains(line: "E"),
            let end = try watch.line("E", of: process)
        else {
            throw BenchmarkError.contestant(contestant.name, "did not print S and E apart")
        }
        try watch.rest(of: process)
        let processEnd = try process.reap()
        guard contestant.isSuccess(processEnd.status) else {
            throw BenchmarkError.contestant(contestant.name, "ended with status \(processEnd.status)")
        }
        result.loop.add(Double(end - start) / 1e6)
        result.cpu.add(processEnd.cpuMilliseconds)
    }

    private static func report(
        _ kind: Kind, _ count: Int, _ contestants: [Contestant], _ results: [Result], _ figures: inout Figures
    ) {
        let base = contestants.firstIndex { $0.name == Contestant.baseline }.map { results[$0].loop }
        var table = Table([
            "", "loop ms", "min", "p90", "µs an exit", "ratio", "ratio of min", "CPU in all ms",
        ])
        var workerRatio = Double.nan
        for (contestant, result) in zip(contestants, results) {
            let ratio = result.loop.median / (base?.median ?? .nan)
            if contestant.name == Contestant.worker { workerRatio = ratio }
            table.add([
                contestant.name, result.loop.median.fixed(2), result.loop.minimum.fixed(2),
                result.loop.ninetiethPercentile.fixed(2),
                (result.loop.median * 1000 / Double(count)).fixed(3),
                ratio.fixed(3), (result.loop.minimum / (base?.minimum ?? .nan)).fixed(3),
                result.cpu.median.fixed(2),
            ])
            figures.add("exits.\(kind.name).\(contestant.name).loop-ms", result.loop.median)
            figures.add("exits.\(kind.name).\(contestant.name).cpu-ms", result.cpu.median)
        }
        print(table.text)
        figures.judge("an exit of \(kind.name) against raw's", workerRatio, atMost: 1.05, places: 3, "times")
        print("")
    }
}
