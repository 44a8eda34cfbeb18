internal import ArgumentParser
internal import ControlProtocol
internal import HostSystem
internal import JSONText
internal import Specification

/// `roost ps`.
struct PsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "Lists the running machines.",
        discussion: """
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
        let machines = try ListedMachine.list(place.directory, withEnded: all)
        if json {
            let report: JSONValue = ["version": 1, "machines": .array(machines.map(\.json))]
            try StandardOutput.write(report.text(.pretty))
        } else if quiet {
            if !machines.isEmpty { try StandardOutput.write(machines.map(\.name).joined(separator: "\n")) }
        } else {
            try StandardOutput.write(Self.table(machines))
        }
    }

    private static func table(_ machines: [ListedMachine]) -> String {
        let rows = [["NAME", "PID", "STATE", "CPUS", "MEMORY", "UPTIME", "KERNEL"]] + machines.map(\.row)
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
                .joined(separator: "  ").trimmingSuffixSpaces
        }.joined(separator: "\n")
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

    var row: [String] {
        [
            name, status.map { "\($0.process)" } ?? "-", state, cpus.map { "\($0)" } ?? "-",
            memory.map { "\(ByteSize(bytes: $0))" } ?? "-",
            status.map { Self.duration($0.uptimeMilliseconds / 1000) } ?? "-",
            kernel.map(Outcome.printable) ?? "-",
        ]
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

extension String {
    fileprivate var trimmingSuffixSpaces: Substring {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return text
    }
}
