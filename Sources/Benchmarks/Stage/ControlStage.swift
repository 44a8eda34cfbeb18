internal import Glibc
internal import HostSystem
internal import LoadCurves
internal import Stats

/// The control socket of an idle machine, asked for its status.
enum ControlStage {
    private static let connections = 8
    /// Requests of a connection that the machine has read and not answered (docs/control-socket.md).
    private static let queuedRequests = 16

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let rounds = try options.number("runs", default: StageBenchmark.usualRounds)
        let seconds = try StageBenchmark.seconds(options)
        guard let tool = try Contestant.all(options).first(where: { $0.name == Contestant.commandLineTool })
        else { return print("  (control is left out: there is no roost)") }
        var work = Workload(kernel: try options.guest("first"), memoryMiB: 64)
        work.commandLine = "stay"
        let name = Contestant.machineName(0)
        let directory = "/tmp/roost-\(name)"
        var command = tool.command(work, name)
        command.words += ["--run-directory", directory]
        var process = try ChildProcess(command)
        var generator = try connect("\(directory)/\(name)/control.sock")
        var statistics = try StatsReader("\(directory)/\(name)/stats")

        func closedLoop() throws -> Double {
            let outcome = try generator.run(.closed(depth: 2 * LoadConnection.batch), seconds: seconds)
            return Double(outcome.results) / seconds
        }
        print(
            "stage control: status of an idle machine, \(connections) connections; \(rounds) rounds of \(seconds.fixed(1)) s a load, medians\n"
        )
        let before = try MemoryMaps(of: process.identifier, guestMiB: work.memoryMiB).resident
        var underWay = 0
        let (capacity, curve) = try StageBenchmark.curve(rounds: rounds, capacity: closedLoop) {
            load, capacity in
            let cpu = process.cpuMilliseconds
            let outcome = try generator.run(.open(perSecond: load * capacity), seconds: seconds)
            underWay = max(underWay, outcome.mostUnderWay)
            return outcome.point(load: load, cpuMilliseconds: process.cpuMilliseconds - cpu)
        }
        let after = try MemoryMaps(of: process.identifier, guestMiB: work.memoryMiB).resident
        let section = try statistics.snapshot()["control"]
        process.signal(SIGTERM)
        _ = try process.reap()
        // SAFETY: a C string for the length of the call.
        _ = unsafe rmdir(directory)
        guard let section, let peak = section["queue-peak"] else {
            throw BenchmarkError.contestant(tool.name, "has no section 'control' on its stats page")
        }
        StageBenchmark.report(
            StageBenchmark.Findings(
                name: "control", capacity: capacity, curve: curve, queuePeak: Double(peak),
                queueBound: Double(connections * queuedRequests)), &figures)
        print(
            "  under way at most, in sockets too: \(underWay); resident memory \(before) KiB before, "
                + "\(after) after; \(section["completions"] ?? 0) answered, "
                + "\(section["refusals"] ?? 0) told busy\n")
        figures.add("stage.control.most-under-way", Double(underWay))
        figures.add("stage.control.resident-growth-kib", Double(after - before))
    }

    /// The socket is there some milliseconds after the machine's start.
    private static func connect(_ path: String) throws -> LoadGenerator {
        for _ in 0..<5000 {
            if let generator = try? LoadGenerator(to: path, connections: connections) { return generator }
            usleep(1000)
        }
        return try LoadGenerator(to: path, connections: connections)
    }
}
