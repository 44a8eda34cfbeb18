internal import ArgumentParser
internal import JSONText
internal import Specification

/// `roost version`.
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Tells which Roost this is.",
        discussion: """
            EXAMPLES
              roost version
              roost version --json
            """)

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() throws {
        let worker = try? Worker.find()
        guard json else {
            try StandardOutput.write(
                """
                roost \(Release.version)
                machine specification: version \(MachineSpec.formatVersion)
                worker: \(worker ?? "not found")
                """)
            return
        }
        let report: JSONValue = [
            "version": 1,
            "roost": .string(Release.version),
            "specVersion": JSONValue(MachineSpec.formatVersion),
            "worker": worker.map(JSONValue.string) ?? .null,
        ]
        try StandardOutput.write(report.text(.pretty))
    }
}
