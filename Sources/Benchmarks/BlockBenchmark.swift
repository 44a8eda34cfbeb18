internal import Glibc
internal import HostSystem

/// A disk of the same file for everybody: operations a second, as the guest `blockbench` counts them, and CPU time.
struct BlockBenchmark {
    private struct Case {
        let name: String
        let arguments: String
    }

    private static let cases = [
        Case(name: "randread-4k-1", arguments: "op=randread bs=4096 depth=1"),
        Case(name: "randread-4k-32", arguments: "op=randread bs=4096 depth=32"),
        Case(name: "seqread-1m-4", arguments: "op=seqread bs=1048576 depth=4"),
        Case(name: "randwrite-4k-32", arguments: "op=randwrite bs=4096 depth=32"),
    ]

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let rounds = try options.number("runs", default: 5)
        let milliseconds = try options.number("seconds", default: 2) * 1000
        let path = try image(options)
        let guest = try options.guest("blockbench")
        let wait = options.text("wait") ?? "interrupt"
        let wanted = options.text("case")?.split(separator: ",").map(String.init)
        let direct: [WorkloadDevice] = [.disk(path: path, isDirect: true)]
        let cached: [WorkloadDevice] = [.disk(path: path, isDirect: false)]
        let contestants = try DeviceContestant.all(
            options,
            [
                DeviceSetting(suffix: "-direct", devices: direct),
                DeviceSetting(suffix: "-cached", devices: cached),
                DeviceSetting(suffix: "-direct-huge", devices: direct, hasHugePages: true),
                DeviceSetting(suffix: "-cached-huge", devices: cached, hasHugePages: true),
            ])
        for `case` in cases where wanted?.contains(`case`.name) ?? true {
            var measured = DeviceRounds(contestants)
            try measured.run(rounds) { contestant in
                var run = try DeviceRun(
                    contestant, guest: guest, "\(`case`.arguments) ms=\(milliseconds) wait=\(wait)",
                    memoryMiB: 256, number: 0)
                _ = try run.line("block start")
                let result = try run.result(
                    "block \(`case`.arguments.dropFirst(3).prefix(4))", since: run.cpuMilliseconds)
                try run.finish()
                return result
            }
            print(
                "block \(`case`.name): \(`case`.arguments) wait=\(wait), \(milliseconds) ms a run, "
                    + "\(rounds) rounds, medians\n")
            report(`case`, measured, &figures)
        }
    }

    private static func report(_ `case`: Case, _ measured: DeviceRounds, _ figures: inout Figures) {
        var table = Table([
            "", "operations/s", "least", "most", "MiB/s", "mean µs", "CPU µs an op", "kicks an op",
            "interrupts an op",
        ])
        let rate: (DeviceResult) -> Double = { $0["ops"] / $0["seconds"] }
        let cpu: (DeviceResult) -> Double = { $0.cpuMilliseconds * 1000 / $0["ops"] }
        for (index, contestant) in measured.contestants.enumerated() {
            let extremes = measured.extremes(index, rate)
            table.add([
                contestant.name, measured.median(index, rate).fixed(0), extremes.least.fixed(0),
                extremes.most.fixed(0), measured.median(index) { $0["mib_per_s"] }.fixed(0),
                measured.median(index) { $0["mean_us"] }.fixed(0), measured.median(index, cpu).fixed(1),
                measured.median(index) { $0["kicks"] / $0["ops"] }.fixed(2),
                measured.median(index) { $0["interrupts"] / $0["ops"] }.fixed(2),
            ])
            figures.add(
                "block.\(`case`.name).\(contestant.name).ops-per-second", measured.median(index, rate))
            figures.add("block.\(`case`.name).\(contestant.name).cpu-us-an-op", measured.median(index, cpu))
        }
        print(table.text)
        measured.compare("operations a second", "block.\(`case`.name).ratio", isMost: true, &figures, rate)
        measured.compare(
            "CPU time an operation", "block.\(`case`.name).cpu-ratio", isMost: false, &figures, cpu)
        print("")
    }

    /// The file of `--image`, or one of its own full of bytes that no disk can leave out.
    private static func image(_ options: Options) throws -> String {
        if let path = options.text("image") {
            return try options.existing(path, advice: "--image names a file")
        }
        let path = ".build/bench/disk.img"
        let mebibytes = try options.number("image-mib", default: 1024)
        let file = try OwnedDescriptor.open(path, O_RDWR | O_CREAT)
        if lseek(file.number, 0, Int32(SEEK_END)) != mebibytes << 20 {
            guard ftruncate(file.number, 0) == 0, lseek(file.number, 0, Int32(SEEK_SET)) == 0 else {
                throw SystemError("empty \(path)", number: errno)
            }
            var state: UInt64 = 0x9E37_79B9_7F4A_7C15
            var piece = [UInt8](repeating: 0, count: 1 << 20)
            for _ in 0..<mebibytes {
                for index in stride(from: 0, to: piece.count, by: 8) {
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    for byte in 0..<8 {
                        piece[index + byte] = UInt8(truncatingIfNeeded: state >> (8 * UInt64(byte)))
                    }
                }
                try DescriptorIO.writeAll(file.number, piece)
            }
            guard fsync(file.number) == 0 else { throw SystemError("write \(path)", number: errno) }
        }
        // All of it into the page cache, for those who use it.
        _ = lseek(file.number, 0, Int32(SEEK_SET))
        while let bytes = try DescriptorIO.read(file.number, limit: 1 << 20), !bytes.isEmpty {}
        return try options.existing(path, advice: "it was just made")
    }
}
