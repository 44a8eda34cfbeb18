internal import ArgumentParser
internal import JSONText
internal import ManagerProtocol
internal import Resources
internal import Specification

/// `roost why`.
struct WhyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Tells why a machine has the CPU it has, with the arithmetic.",
        discussion: """
            The latest decision in sentences, pool by pool from the host down; then how demand and \
            entitlement changed lately. Percentages are of one CPU.

            EXAMPLES
              roost why web1
              roost why web1 --json
            """)

    @Argument(help: .init("The machine's name.", valueName: "VM"))
    var machine: String

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @OptionGroup var place: Place

    func run() throws {
        let name = try ResourceTarget.machine(machine)
        let answer = try reasons(name)
        try StandardOutput.write(json ? answer.versioned.text(.pretty) : Self.text(answer))
    }

    /// The manager's answer; who runs unmanaged is told so.
    private func reasons(_ name: VMName) throws(CommandFailure) -> JSONValue {
        let manager = Manager(place.directory)
        do throws(CommandFailure) {
            if let answer = try manager.askIfRunning("GET", .reasons(name)) { return answer }
            try place.directory.refuseUnmanaged(machine)
            throw manager.isMissing
        } catch {
            guard error.problem == .noSuchMachine else { throw error }
            try place.directory.refuseUnmanaged(machine)
            // It does not run: this says what there is.
            _ = try place.directory.running(machine)
            throw error
        }
    }

    private static func text(_ answer: JSONValue) -> String {
        var lines: [String] = []
        if case .array(let sentences) = answer["sentences"] {
            for case .string(let sentence) in sentences { lines.append(Outcome.printable(sentence)) }
        }
        guard case .array(let history) = answer["history"], !history.isEmpty else {
            return lines.joined(separator: "\n")
        }
        var table = TextTable(["AGO", "DECISION", "DEMAND", "ENTITLED"])
        for item in history {
            table.add([
                milliseconds(item["millisecondsAgo"]).map { Amount.time($0) } ?? "-",
                item["decision"]?.text() ?? "-", amount(item["demand"]), amount(item["entitlement"]),
            ])
        }
        return (lines + [""] + table.lines).joined(separator: "\n")
    }

    private static func milliseconds(_ value: JSONValue?) -> UInt64? {
        guard case .integer(let number) = value, let count = UInt64(exactly: number) else { return nil }
        let (nanoseconds, overflow) = count.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? nil : nanoseconds
    }

    private static func amount(_ value: JSONValue?) -> String {
        ResourceText.percent(value.flatMap { try? CPUAmount(describedBy: $0) })
    }
}
