import Foundation
import HostSystem
import MachineTesting
import Testing

/// Machines on one processor, under a manager of their own, that count as fast as they can and tell how far they got.
final class SpinningMachines {
    /// What a command line begins with that runs on one processor alone, the first of ours. What a manager that begins
    /// so divides is that processor.
    static var onOneProcessor: [String] {
        get throws {
            let first = try #require(try ThreadScheduling.processors(of: 0).numbers.first)
            return ["/usr/bin/taskset", "--cpu-list", "\(first)"]
        }
    }

    private let directory: TemporaryDirectory
    private let manager: ChildProcess
    private var machines: [String: ChildProcess] = [:]

    /// None as yet; the manager is there.
    init() throws {
        directory = try TemporaryDirectory()
        let directory = directory
        manager = try Lab.start(
            try Self.onOneProcessor
                + [Lab.optimized("roostd"), "--run-directory", directory.path + "/run", "--stay"])
        try manager.wait(for: "the manager's socket") {
            directory.contents(of: "run").contains("roostd.sock")
        }
    }

    deinit {
        for name in machines.keys {
            WatchedMachine(name: name, runDirectory: directory.path + "/run").unwatch()
        }
        for process in Array(machines.values) + [manager] { process.signal(9) }
    }

    /// Starts a machine of one virtual CPU, and waits until it counts.
    func start(_ name: String, _ flags: String...) throws {
        let machine = try Lab.start(
            try Self.onOneProcessor + [
                TestHost.buildDirectory + "/roost", "run", try TestHost.guest("spin"), "--name", name,
                "--memory", "32M", "--cmdline", "interval=500",
            ] + flags, environment: environment)
        machines[name] = machine
        WatchedMachine(name: name, runDirectory: directory.path + "/run").watch()
        try machine.wait(forOutput: "spin cpu=0 ")
    }

    /// Runs `roost set`.
    func set(_ name: String, _ flags: String...) throws {
        try Lab.run([TestHost.buildDirectory + "/roost", "set", name] + flags, environment: environment)
    }

    /// How two machines divide so many seconds from now on: the first one's part of what both count, by their own
    /// telling, and of the time for which both run, by `roost stats`.
    ///
    /// The seconds are this process's: the guests' own may differ, since each has found out anew, with the other
    /// about, how fast its time-stamp counter runs.
    func divide(_ first: String, _ second: String, seconds: Double) throws -> (counted: Double, ran: Double) {
        var before: [(progress: Progress, statistics: MachineStatistics)] = []
        for name in [first, second] { before.append((try next(name, after: 0), try statistics(of: name))) }
        var rates: [(counted: Double, ran: Double)] = []
        for (name, start) in zip([first, second], before) {
            let progress = try next(name, after: start.progress.seconds + seconds)
            let statistics = try statistics(of: name)
            rates.append(
                (
                    (progress.count - start.progress.count) / (progress.seconds - start.progress.seconds),
                    (statistics.run - start.statistics.run) / (statistics.elapsed - start.statistics.elapsed)
                ))
        }
        return (
            counted: rates[0].counted / (rates[0].counted + rates[1].counted),
            ran: rates[0].ran / (rates[0].ran + rates[1].ran)
        )
    }

    private func next(_ name: String, after moment: Double) throws -> Progress {
        try Progress.next(of: try #require(machines[name]), after: moment)
    }

    private func statistics(of name: String) throws -> MachineStatistics {
        try MachineStatistics(
            json: Lab.run(
                [TestHost.buildDirectory + "/roost", "stats", name, "--json"], environment: environment))
    }

    /// What the manager says of a machine, in processors.
    struct Resources: Decodable {
        let used: Double?
        let ready: Double?
        let limited: Double?
    }

    /// Waits until the manager says of a machine what is expected; it tells of the last seconds.
    func wait(for name: String, until isExpected: (_ ready: Double, _ limited: Double) -> Bool) throws {
        var said = "nothing"
        manager.diagnosis = { StandStill.judge(TestFailure("\($0); the manager said last: \(said)")) }
        try manager.wait(for: "\(name)'s waiting as expected") {
            let text = try Lab.run(
                [TestHost.buildDirectory + "/roost", "ps", "--json"], environment: environment)
            let list = try JSONDecoder().decode(Listing.self, from: Data(text.utf8))
            guard let resources = list.machines.first(where: { $0.name == name })?.resources,
                let ready = resources.ready, let limited = resources.limited
            else { return false }
            said = "\(resources)"
            return isExpected(ready, limited)
        }
    }

    private struct Listing: Decodable {
        struct Machine: Decodable {
            let name: String
            let resources: Resources?
        }

        let machines: [Machine]
    }

    /// Ends the machines, and the manager, which is to end well.
    func end() throws {
        for machine in machines.values {
            machine.signal(9)
            #expect(try machine.finish() == .killed(signal: 9))
        }
        manager.signal(15)
        #expect(try manager.finish() == .exited(0))
    }

    // Programs that tests start run machines without a manager, unless this variable is empty.
    private var environment: [String: String] {
        ["ROOST_RUN_DIR": directory.path + "/run", "ROOST_UNMANAGED": ""]
    }
}

/// How far a machine has counted, as it tells in a line of guests/programs/spin.c:
/// `spin cpu=0 seconds=1.500 count=N rate=N/s`.
private struct Progress {
    /// When the line came, from an arbitrary start.
    let seconds: Double
    let count: Double

    /// The first line that comes from now on and after a moment.
    static func next(of machine: ChildProcess, after moment: Double) throws -> Progress {
        var seen: Int?
        var progress: Progress?
        try machine.wait(for: "progress") {
            let now = Double(HostClock.monotonicNanoseconds()) / 1e9
            // The last line may be cut off.
            let lines = machine.output.text.split(separator: "\n", omittingEmptySubsequences: false)
                .dropLast()
            let isNew = lines.count > seen ?? lines.count
            seen = lines.count
            guard isNew, now > moment, let line = lines.last(where: { $0.hasPrefix("spin cpu=0 ") }) else {
                return false
            }
            let word = line.split(separator: " ").first { $0.hasPrefix("count=") }
            progress = Progress(
                seconds: now,
                count: try #require(word.flatMap { Double($0.dropFirst("count=".count)) }, "\(line)"))
            return true
        }
        return try #require(progress)
    }
}

/// What `roost stats --json` says of a machine's first processor, in nanoseconds since the machine's start.
struct MachineStatistics {
    let elapsed: Double
    let run: Double
    let ready: Double

    init(json: String) throws {
        struct Report: Decodable {
            struct Processor: Decodable {
                let run: Double
                let ready: Double
            }

            let elapsed: Double
            let processors: [Processor]
        }
        let report = try JSONDecoder().decode(Report.self, from: Data(json.utf8))
        let processor = try #require(report.processors.first)
        (elapsed, run, ready) = (report.elapsed, processor.run, processor.ready)
    }
}
