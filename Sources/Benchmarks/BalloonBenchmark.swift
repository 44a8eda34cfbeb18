internal import Glibc
internal import HostSystem
internal import JSONText

/// A guest that gives a GiB to the host, and takes it back: the time as the guest `balloonbench` sees it, CPU time, and
/// by how much the process's resident memory shrinks.
struct BalloonBenchmark {
    private static let memoryMiB = 2048
    private static let balloonMiB = 1024

    private static let cases: [(name: String, arguments: String)] = [
        // As Linux does it: a request for at most 256 pages.
        ("batches", "batch=256"),
        ("scattered", "batch=256 order=random"),
        ("runs", "batch=262144"),
    ]

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let rounds = try options.number("runs", default: 5)
        let guest = try options.guest("balloonbench")
        let wanted = options.text("case")?.split(separator: ",").map(String.init)
        let socket = "/tmp/roost-bench-\(getpid()).qmp"
        defer { FileTree.remove(socket) }
        let contestants = try DeviceContestant.all(
            options,
            [
                DeviceSetting(devices: [.balloon(socket: socket)]),
                DeviceSetting(suffix: "-huge", devices: [.balloon(socket: socket)], hasHugePages: true),
            ])
        for `case` in cases where wanted?.contains(`case`.name) ?? true {
            var deflations = contestants.map { _ in Sample() }
            var released = contestants.map { _ in Sample() }
            var number = 0
            var measured = DeviceRounds(contestants)
            try measured.run(rounds) { contestant in
                number += 1
                let index = contestants.firstIndex { $0.name == contestant.name } ?? 0
                FileTree.remove(socket)
                var run = try DeviceRun(
                    contestant, guest: guest, "\(`case`.arguments) rounds=2", memoryMiB: memoryMiB,
                    number: number)
                _ = try run.line("balloon ready")
                let before = try run.residentMiB()
                let cpu = run.cpuMilliseconds
                try ask(contestant, options, run.machineName, socket, mebibytes: balloonMiB)
                let result = try run.result("balloon inflate", since: cpu)
                released[index].add(before - (try run.residentMiB()))
                let cpuAfter = run.cpuMilliseconds
                try ask(contestant, options, run.machineName, socket, mebibytes: 0)
                let deflation = try run.result("balloon deflate", since: cpuAfter)
                deflations[index].add(deflation["seconds"] * 1000)
                try run.finish()
                return result
            }
            print("balloon \(`case`.name): \(`case`.arguments), 1 GiB of 2; \(rounds) rounds, medians\n")
            var table = Table([
                "", "inflate ms", "least", "most", "CPU ms", "requests", "resident MiB less", "deflate ms",
            ])
            for (index, contestant) in measured.contestants.enumerated() {
                let place = contestants.firstIndex { $0.name == contestant.name } ?? 0
                let extremes = measured.extremes(index, milliseconds)
                table.add([
                    contestant.name, measured.median(index, milliseconds).fixed(1), extremes.least.fixed(1),
                    extremes.most.fixed(1), measured.median(index, \.cpuMilliseconds).fixed(1),
                    measured.median(index) { $0["requests"] }.fixed(0), released[place].median.fixed(0),
                    deflations[place].median.fixed(1),
                ])
                let name = "balloon.\(`case`.name).\(contestant.name)"
                figures.add("\(name).inflate-ms", measured.median(index, milliseconds))
                figures.add("\(name).cpu-ms", measured.median(index, \.cpuMilliseconds))
                figures.add("\(name).deflate-ms", deflations[place].median)
            }
            print(table.text)
            measured.compare(
                "time to inflate a GiB", "balloon.\(`case`.name).ratio", isMost: false, &figures, milliseconds
            )
            measured.compare(
                "CPU time for it", "balloon.\(`case`.name).cpu-ratio", isMost: false, &figures
            ) { $0.cpuMilliseconds }
            print("")
        }
    }

    private static func milliseconds(_ result: DeviceResult) -> Double { result["seconds"] * 1000 }

    /// Asks for that much memory, each contestant its own way.
    private static func ask(
        _ contestant: DeviceContestant, _ options: Options, _ machine: String, _ socket: String,
        mebibytes: Int
    ) throws {
        guard contestant.isRoost else {
            // QEMU is told what the guest may keep.
            var monitor = try QMPConnection.open(socket)
            let kept = Int64(memoryMiB - mebibytes) << 20
            return try monitor.send("balloon", [JSONMember("value", .integer(kept))])
        }
        guard let tool = options.text("roost") else {
            throw BenchmarkError.usage("balloon needs --roost PROGRAM")
        }
        var process = try ChildProcess(
            Command(words: [tool, "balloon", machine, mebibytes == 0 ? "0" : "\(mebibytes)M"]))
        var watch = OutputWatch()
        try watch.rest(of: process)
        let end = try process.reap()
        guard end.status == 0 else {
            throw BenchmarkError.contestant(contestant.name, "roost balloon ended with status \(end.status)")
        }
    }
}
