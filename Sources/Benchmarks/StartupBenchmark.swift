internal import Glibc
internal import HostSystem

/// From before the process is made to the guest's first serial byte, and to the process's end.
struct StartupBenchmark {
    /// In milliseconds.
    struct Result {
        var firstByte = Sample()
        var cpuToFirstByte = Sample()
        var gone = Sample()
        var cpu = Sample()
    }

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let runs = try options.number("runs", default: 31)
        let memory = try options.number("memory", default: 128)
        let contestants = try Contestant.all(options)
        let work = Workload(kernel: try options.guest("first"), memoryMiB: memory)
        var results = contestants.map { _ in Result() }
        // The first round only warms the page cache.
        for round in 0...runs {
            // Starts at all phases of the scheduler's tick: a wait in the kernel may end with one.
            usleep(UInt32(round * 5 % 8) * 500)
            for (index, contestant) in contestants.enumerated() {
                var scrap = Result()
                if round == 0 {
                    try measure(contestant, work, &scrap)
                } else {
                    try measure(contestant, work, &results[index])
                }
            }
        }
        print("start-up: guest `first`, \(memory) MiB; ms; \(runs) runs each, interleaved\n")
        show(contestants, results)
        if options.has("counted") {
            record(contestants, results, &figures)
        } else {
            judge(contestants, results, &figures)
        }
    }

    /// Starts a contestant with the guest `first` and waits for its end.
    static func measure(_ contestant: Contestant, _ work: Workload, _ result: inout Result) throws {
        var process = try ChildProcess(contestant.command(work, Contestant.machineName(0)))
        var watch = OutputWatch()
        guard let time = try watch.next(process), watch.text.first == UInt8(ascii: "!") else {
            throw BenchmarkError.contestant(contestant.name, "did not print the guest's byte")
        }
        let cpuToFirstByte = process.cpuMilliseconds
        try watch.rest(of: process)
        let end = try process.reap()
        guard contestant.isSuccess(end.status) else {
            throw BenchmarkError.contestant(contestant.name, "ended with status \(end.status)")
        }
        result.firstByte.add(Double(time - process.started) / 1e6)
        result.cpuToFirstByte.add(cpuToFirstByte)
        result.gone.add(end.wallMilliseconds)
        result.cpu.add(end.cpuMilliseconds)
    }

    private static func show(_ contestants: [Contestant], _ results: [Result]) {
        let base = contestants.firstIndex { $0.name == Contestant.baseline }.map {
            results[$0].firstByte.median
        }
        var table = Table([
            "", "first byte", "min", "p90", "to raw", "ratio", "CPU to it", "gone", "CPU in all",
        ])
        for (contestant, result) in zip(contestants, results) {
            let median = result.firstByte.median
            let difference = base.map { median - $0 } ?? .nan
            table.add([
                contestant.name, median.fixed(3), result.firstByte.minimum.fixed(3),
                result.firstByte.ninetiethPercentile.fixed(3),
                (difference < 0 ? "" : "+") + difference.fixed(3),
                (median / (base ?? .nan)).fixed(2), result.cpuToFirstByte.median.fixed(3),
                result.gone.median.fixed(3), result.cpu.median.fixed(3),
            ])
        }
        print(table.text)
    }

    /// Where time is counted instructions, CPU time is the figure: Linux before 6.13 makes KVM_CREATE_VM wait
    /// some 10 ms for a grace period, or not, depending on who made a machine before.
    private static func record(_ contestants: [Contestant], _ results: [Result], _ figures: inout Figures) {
        for (contestant, result) in zip(contestants, results) {
            figures.add("startup.\(contestant.name).cpu-to-first-byte-ms", result.cpuToFirstByte.median)
            figures.add("startup.\(contestant.name).cpu-ms", result.cpu.median)
        }
    }

    private static func judge(_ contestants: [Contestant], _ results: [Result], _ figures: inout Figures) {
        var medians: [String: Double] = [:]
        for (contestant, result) in zip(contestants, results) {
            medians[contestant.name] = result.firstByte.median
            figures.add("startup.\(contestant.name).first-byte-ms", result.firstByte.median)
            figures.add("startup.\(contestant.name).cpu-ms", result.cpu.median)
        }
        let worker = medians[Contestant.worker] ?? .nan
        figures.judge(
            "roost-vmm's first byte after raw's", worker - (medians[Contestant.baseline] ?? .nan),
            atMost: 0.7,
            places: 2, "ms")
        figures.judge(
            "roost run adds", (medians[Contestant.commandLineTool] ?? .nan) - worker, atMost: 3, places: 2,
            "ms")
    }
}
