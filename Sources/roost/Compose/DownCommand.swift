internal import ArgumentParser
internal import ControlProtocol
internal import Glibc
internal import HostSystem
internal import JSONText
internal import ManagerProtocol
internal import Resources
internal import Specification

/// `roost down`.
struct DownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Stops the machines and removes the pools that a file describes.",
        discussion: """
            Guests are asked to power off, all at once, and stopped when their grace time is over, as \
            with 'roost stop'. Then the pools go, inner ones first; one that has other members stays.

            EXAMPLES
              roost down shop.yaml
            """)

    @Argument(help: .init("The description, or - for stdin.", valueName: "FILE"), completion: .file())
    var file: String

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @OptionGroup var place: Place

    func run() throws {
        let compose = try ComposeFile(file, runDirectory: place.directory.chosenPath)
        var report = ComposeReport(isJSON: json)
        var failures: [CommandFailure] = []
        try stop(compose.machines.reversed().map(\.spec.name), &report, &failures)
        try remove(compose.pools.reversed(), &report, &failures)
        try report.finish()
        for failure in failures.dropLast() { _ = Outcome.of(failure, arguments: []).report() }
        if let last = failures.last { throw last }
    }

    private func stop(
        _ names: [String], _ report: inout ComposeReport, _ failures: inout [CommandFailure]
    ) throws(CommandFailure) {
        let entries = try place.directory.entries()
        var asked: [String: MachineClient] = [:]
        // Nothing is said of these but why they failed.
        var failed: Set<String> = []
        for name in names {
            do throws(CommandFailure) {
                guard let entry = entries.first(where: { $0.name == name }), try entry.isAlive else {
                    continue
                }
                let client = try MachineClient(entry)
                try client.send(.stop(graceSeconds: nil), .wait)
                asked[name] = client
            } catch {
                failures.append(error)
                failed.insert(name)
            }
        }
        for name in names where !failed.contains(name) {
            guard let client = asked[name] else {
                try report.add("machine", name, "does not run")
                continue
            }
            do throws(CommandFailure) {
                _ = try client.reply()
                try report.add("machine", name, Outcome.printable(try client.end().reason))
            } catch { failures.append(error) }
        }
    }

    private func remove(
        _ pools: [DescribedPool], _ report: inout ComposeReport, _ failures: inout [CommandFailure]
    ) throws(CommandFailure) {
        let manager = Manager(place.directory)
        // The manager sees the end of a machine a moment after it.
        let deadline = HostClock.monotonicNanoseconds() + ManagerConnection.patienceMilliseconds * 1_000_000
        for pool in pools {
            do throws(CommandFailure) {
                while true {
                    do throws(CommandFailure) {
                        try manager.askStarting("DELETE", .pool(pool.path))
                        try report.add("pool", "\(pool.path)", "removed")
                        break
                    } catch {
                        if error.problem == .noSuchPool {
                            try report.add("pool", "\(pool.path)", "is not there")
                            break
                        }
                        guard error.problem == .notEmpty, HostClock.monotonicNanoseconds() < deadline else {
                            throw error
                        }
                    }
                    var pause = PollSet()
                    // A signal ends the pause sooner, no harm done.
                    _ = try? pause.wait(timeoutMilliseconds: 20)
                }
            } catch { failures.append(error) }
        }
    }
}
