internal import ArgumentParser
internal import JSONText

/// `roost up`.
struct UpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Makes the pools and starts the machines that a file describes.",
        discussion: """
            The file is YAML (or JSON): docs/resources.md. All of it is checked before anything is done. \
            What runs already stays, and gets the settings of CPU that the file says; so the command may \
            be given again. Machines start one after the other, in the background, as with 'roost run -d'.

            EXAMPLES
              roost up shop.yaml
              roost up shop.yaml && roost ps
            """)

    @Argument(help: .init("The description, or - for stdin.", valueName: "FILE"), completion: .file())
    var file: String

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @OptionGroup var place: Place

    func run() throws {
        let compose = try ComposeFile(file, runDirectory: place.directory.chosenPath)
        let plan = try ComposePlan(compose, in: place.directory)
        var report = ComposeReport(isJSON: json)
        do {
            try plan.perform { (kind, name, what) throws(CommandFailure) in
                try report.add(kind, name, what)
            }
        } catch {
            // What was done is told all the same.
            try report.finish()
            throw error
        }
        try report.finish()
    }
}

/// What was done for each pool and machine, told as it happens or, for programs, at the end.
struct ComposeReport {
    let isJSON: Bool
    private var items: [JSONValue] = []

    init(isJSON: Bool) {
        self.isJSON = isJSON
    }

    /// - Parameter kind: `pool` or `machine`.
    mutating func add(_ kind: String, _ name: String, _ what: String) throws(CommandFailure) {
        if isJSON {
            items.append(["kind": .string(kind), "name": .string(name), "result": .string(what)])
        } else {
            try StandardOutput.write("\(kind == "pool" ? "pool " : "")\(name): \(what)")
        }
    }

    func finish() throws(CommandFailure) {
        guard isJSON else { return }
        let report: JSONValue = ["version": 1, "items": .array(items)]
        try StandardOutput.write(report.text(.pretty))
    }
}
