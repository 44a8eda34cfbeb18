internal import ArgumentParser
internal import ControlProtocol
internal import HostSystem
internal import JSONText
internal import ManagerProtocol
internal import Resources
internal import Specification

/// `roost ps`.
struct PsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "Lists the running machines.",
        discussion: """
            Where a resource manager runs, it tells what machines may have of the CPUs, in percent of one \
            CPU: RESERVED and LIMIT as they are set, ENTITLED what it may have now, USED what it used \
            lately, READY how much it had to wait for others.

            EXAMPLES
              roost ps
              roost ps -a
              roost kill $(roost ps -q)
              roost ps --json
            """)

    @Flag(name: .shortAndLong, help: "Names only, one a line.")
    var quiet = false

    @Flag(name: .shortAndLong, help: "Those too that have ended and left logs.")
    var all = false

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @OptionGroup var place: Place

    func run() throws {
        let reports = quiet ? nil : self.reports
        var machines = try ListedMachine.list(place.directory, withEnded: all)
        for index in machines.indices { machines[index].takeResources(from: reports ?? []) }
        if json {
            let report: JSONValue = ["version": 1, "machines": .array(machines.map(\.json))]
            try StandardOutput.write(report.text(.pretty))
        } else if quiet {
            if !machines.isEmpty { try StandardOutput.write(machines.map(\.name).joined(separator: "\n")) }
        } else {
            try StandardOutput.write(Self.table(machines, withResources: reports != nil))
        }
    }

    /// What the manager says of all machines; nil if none runs, or it does not answer, which is told.
    private var reports: [MachineReport]? {
        do {
            return try Manager(place.directory).machinesIfRunning()
        } catch {
            DescriptorIO.writeToStandardError("roost: warning: \(Outcome.printable(error.message))\n")
            return nil
        }
    }

    private static func table(_ machines: [ListedMachine], withResources: Bool) -> String {
        let resources = withResources ? ListedMachine.resourceTitles : []
        var table = TextTable(
            ["NAME", "PID", "STATE", "CPUS", "MEMORY", "UPTIME"] + resources + ["KERNEL"])
        for machine in machines { table.add(machine.row(withResources: withResources)) }
        return table.lines.joined(separator: "\n")
    }
}

/// A machine in the list: what it says of itself, or what is known of one that says nothing.
struct ListedMachine {
    let name: String
    /// As shown: a state, `silent`, `exited N` or `killed`.
    let state: String
    let status: MachineStatus?
    let specification: MachineSpec?
    let end: EndReport?
    /// What the manager says of it; nil if it is not managed.
    private(set) var resources: MachineReport?

    /// Finds what the manager says of it. Another may have had its name: the process must be the same.
    mutating func takeResources(from reports: [MachineReport]) {
        resources = reports.first { report in
            report.name.description == name
                && status.map { Int64($0.process) == Int64(report.process) } ?? (end == nil)
        }
    }

    /// Asks all that run, and then waits for all answers.
    static func list(_ directory: MachineDirectory, withEnded: Bool) throws(CommandFailure) -> [ListedMachine]
    {
        var asked: [(MachineDirectory.Entry, MachineClient?)] = []
        var list: [ListedMachine] = []
        for entry in try directory.entries() {
            guard try entry.isAlive else {
                if withEnded { list.append(ended(entry)) }
                continue
            }
            let client = try? MachineClient(entry)
            try? client?.send(.status)
            asked.append((entry, client))
        }
        let deadline = MachineClient.deadline()
        for (entry, client) in asked {
            let answer = try? client?.reply(until: deadline)
            if let status = answer.flatMap({ try? MachineStatus(json: $0) }) {
                list.append(
                    ListedMachine(
                        name: entry.name, state: status.state.rawValue, status: status, specification: nil,
                        end: nil))
            } else if try entry.isAlive {
                list.append(
                    ListedMachine(
                        name: entry.name, state: "silent", status: nil, specification: entry.specification,
                        end: nil))
            }
        }
        return list.sorted { $0.name < $1.name }
    }

    private static func ended(_ entry: MachineDirectory.Entry) -> ListedMachine {
        let end = entry.end
        return ListedMachine(
            name: entry.name, state: end.map { "exited \($0.exitCode)" } ?? "killed", status: nil,
            specification: entry.specification, end: end)
    }

    private var cpus: Int? { status?.cpus ?? specification?.cpus }
    private var memory: UInt64? { status?.memoryBytes ?? specification?.memory.bytes }
    private var kernel: String? { status?.kernel ?? specification?.kernel }

    static let resourceTitles = ["POOL", "SHARES", "RESERVED", "LIMIT", "ENTITLED", "USED", "READY"]

    private var resourceCells: [String] {
        guard let resources else { return Self.resourceTitles.map { _ in "-" } }
        return [
            "\(resources.pool)", "\(resources.cpu.shares)", ResourceText.reserved(resources.cpu.reservation),
            ResourceText.percent(resources.cpu.limit), ResourceText.percent(resources.entitlement),
            ResourceText.percent(resources.used), ResourceText.percent(resources.ready),
        ]
    }

    func row(withResources: Bool) -> [String] {
        var cells = [name, status.map { "\($0.process)" } ?? "-", state]
        cells.append(cpus.map { "\($0)" } ?? "-")
        cells.append(memory.map { "\(ByteSize(bytes: $0))" } ?? "-")
        cells.append(status.map { Self.duration($0.uptimeMilliseconds / 1000) } ?? "-")
        if withResources { cells += resourceCells }
        return cells + [kernel.map(Outcome.printable) ?? "-"]
    }

    var json: JSONValue {
        [
            "name": .string(name),
            "pid": status.map { JSONValue($0.process) } ?? .null,
            "state": .string(
                status?.state.rawValue ?? state.split(separator: " ").first.map(String.init) ?? state),
            "cpus": cpus.map { JSONValue($0) } ?? .null,
            "memory": memory.map { JSONValue($0) } ?? .null,
            "uptimeMilliseconds": status.map { JSONValue($0.uptimeMilliseconds) } ?? .null,
            "kernel": kernel.map(JSONValue.string) ?? .null,
            "end": end?.json ?? .null,
            "resources": resources?.json.without("name", "process", "cpus") ?? .null,
        ]
    }

    /// `5s`, `2m 5s`, `3h 12m`, `2d 4h`.
    static func duration(_ seconds: UInt64) -> String {
        switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: "\(seconds / 60)m \(seconds % 60)s"
        case ..<86400: "\(seconds / 3600)h \(seconds / 60 % 60)m"
        default: "\(seconds / 86400)d \(seconds / 3600 % 24)h"
        }
    }
}
