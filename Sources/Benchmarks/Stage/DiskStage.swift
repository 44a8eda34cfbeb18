internal import Glibc
internal import HostSystem
internal import LoadCurves

/// A disk, read by the guest `blockbench`: as fast as it goes, and with a limit that says what its capacity is.
enum DiskStage {
    private static let depth = 32
    private static let limit = 5000
    private static let mebibytes = 64

    static func runFree(_ options: Options, _ figures: inout Figures) throws {
        try run("disk", "", options, &figures)
    }

    static func runLimited(_ options: Options, _ figures: inout Figures) throws {
        try run("disk-limited", ",iops=\(limit)", options, &figures)
    }

    private static func run(
        _ name: String, _ setting: String, _ options: Options, _ figures: inout Figures
    ) throws {
        let rounds = try options.number("runs", default: StageBenchmark.usualRounds)
        let milliseconds = Int(try StageBenchmark.seconds(options) * 1000)
        guard let tool = try Contestant.all(options).first(where: { $0.name == Contestant.commandLineTool })
        else { return print("  (\(name) is left out: there is no roost)") }
        var work = Workload(kernel: try options.guest("blockbench"), memoryMiB: 64)
        let disk = "path=\(try image(options).replacing(",", with: ",,")),direct=off\(setting)"
        // One run of the guest: what it printed, and what of that is its rate.
        func measure(_ arguments: String, lines: [String]) throws -> [DeviceResult] {
            work.commandLine = "op=randread bs=4096 depth=\(depth) wait=poll ms=\(milliseconds) \(arguments)"
            var command = tool.command(work, Contestant.machineName(0))
            command.words += ["--disk", disk]
            var process = try ChildProcess(command)
            var watch = OutputWatch()
            var results: [DeviceResult] = []
            for words in lines {
                guard let line = try watch.line(startingWith: words, of: process) else {
                    _ = try process.reap()
                    throw BenchmarkError.contestant(tool.name, "printed no '\(words)' but: \(watch.lastLine)")
                }
                results.append(DeviceResult(line: line, cpuMilliseconds: 0))
            }
            try watch.rest(of: process)
            _ = try process.reap()
            return results
        }
        func closedLoop() throws -> Double {
            let result = try measure("", lines: ["block rand"])[0]
            return result["ops"] / result["seconds"]
        }
        print(
            "stage \(name): 4 KiB random reads in a file the page cache holds\(setting), \(depth) at the most; "
                + "\(rounds) rounds of \(milliseconds) ms a load, medians\n"
        )
        var underWay = 0.0
        let (capacity, curve) = try StageBenchmark.curve(rounds: rounds, capacity: closedLoop) {
            load, capacity in
            let results = try measure(
                "rate=\(Int(max(1, capacity * load)))", lines: ["rate=", "block rand"])
            let (open, total) = (results[0], results[1])
            underWay = max(underWay, open["under_way"])
            return LoadPoint(
                load: load, offered: open["offered"] / total["seconds"],
                throughput: total["ops"] / total["seconds"], refused: open["refused"] / total["seconds"],
                median: UInt64(exactly: open["p50_ns"]), ninetieth: UInt64(exactly: open["p90_ns"]),
                ninetyNinth: UInt64(exactly: open["p99_ns"]))
        }
        StageBenchmark.report(
            StageBenchmark.Findings(
                name: name, capacity: capacity, curve: curve, queuePeak: underWay, queueBound: Double(depth)),
            &figures)
    }

    /// The file of `--image`, or a small one of its own.
    private static func image(_ options: Options) throws -> String {
        if let path = options.text("image") {
            return try options.existing(path, advice: "--image names a file")
        }
        let path = ".build/bench/stage.img"
        let file = try OwnedDescriptor.open(path, O_RDWR | O_CREAT)
        if lseek(file.number, 0, Int32(SEEK_END)) != mebibytes << 20 {
            _ = lseek(file.number, 0, Int32(SEEK_SET))
            var state: UInt64 = 0x9E37_79B9_7F4A_7C15
            for _ in 0..<mebibytes {
                let piece = (0..<(1 << 20)).map { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return UInt8(truncatingIfNeeded: state >> 56)
                }
                try DescriptorIO.writeAll(file.number, piece)
            }
        }
        return try options.existing(path, advice: "it was just made")
    }
}
