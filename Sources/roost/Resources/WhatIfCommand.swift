internal import ArgumentParser
internal import Glibc
internal import JSONText
internal import ManagerProtocol
internal import Resources
internal import Specification

/// `roost whatif`.
struct WhatIfCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "whatif",
        abstract: "Tells how a described host would be divided, or repeats a journal. Nothing is started.",
        usage: "roost whatif [<options>] [<FILE>]",
        discussion: """
            The file is YAML (or JSON) with capacity, pools and machines: docs/resources.md; one of 'roost up' \
            will do, too. A machine wants all it can use, or its 'demand'. The exit code is 69 if \
            something would be refused.

            With --journal the file is what 'roost journal' printed: every decision in it is made anew, and \
            the first that comes out otherwise is told (exit code 65).

            EXAMPLES
              roost whatif host.yaml --why web1
              roost whatif shop.yaml --capacity 4
              roost journal | roost whatif --journal -
            """)

    @Argument(help: .init("The description, or - for stdin.", valueName: "FILE"), completion: .file())
    var file: String?

    @Option(help: .init("A journal, or - for stdin.", valueName: "FILE"), completion: .file())
    var journal: String?

    @Option(
        help: .init(
            "CPUs to divide where the file does not say. (default: those of this host)", valueName: "CPUS"))
    var capacity: String?

    @Option(help: .init("Tell why a machine gets what it gets; many times.", valueName: "VM"))
    var why: [String] = []

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func validate() throws {
        guard (file == nil) != (journal == nil) else {
            throw ValidationError("one is needed: a FILE or --journal")
        }
        guard journal == nil || (why.isEmpty && capacity == nil) else {
            throw ValidationError("--journal goes with neither --why nor --capacity")
        }
    }

    func run() throws {
        if let journal {
            let report = try JournalReplay(journal)
            try StandardOutput.write(json ? report.json.text(.pretty) : report.text)
        } else if let file {
            let host = try WhatIfHost(file, capacity: try usualCapacity())
            // All names are checked before anything is printed.
            var reasons: [String] = []
            for name in why { reasons += [""] + (try host.sentences(try ResourceTarget.machine(name))) }
            try StandardOutput.write(
                json ? host.json.text(.pretty) : ([host.text] + reasons).joined(separator: "\n"))
            if !host.refusals.isEmpty { Glibc.exit(Specification.ExitCode.unavailable.status) }
        }
    }

    private func usualCapacity() throws(CommandFailure) -> CPUAmount {
        guard let capacity else { return .cpus(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }
        do { return try CPUAmount(parsing: capacity) } catch {
            throw ResourceOptions.failure("--capacity", error)
        }
    }
}

/// A journal, repeated.
struct JournalReplay {
    private var replay = Replay()
    private var lines = 0
    /// The most bytes of a journal that are read.
    private static let longest = 512 << 20

    /// Reads and repeats a journal.
    ///
    /// - Throws: the line at which it is no journal, or comes out otherwise.
    init(_ path: String) throws(CommandFailure) {
        let name = path == "-" ? "standard input" : Outcome.printable(path)
        let bytes = try InputFile.read(path, limit: Self.longest)
        guard bytes.count <= Self.longest else {
            throw CommandFailure(.dataError, "\(name): the journal is longer than \(Self.longest) bytes")
        }
        guard !bytes.isEmpty else { throw CommandFailure(.dataError, "\(name): the journal is empty") }
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            lines += 1
            // After the last line's end.
            if line.isEmpty, lines > 1 { continue }
            guard let text = String(validating: line, as: UTF8.self) else {
                throw CommandFailure(.dataError, "\(name):\(lines): the line is not UTF-8")
            }
            let record: JournalRecord
            do { record = try JournalRecord(line: text) } catch {
                throw CommandFailure(.dataError, "\(name):\(lines): \(error)")
            }
            do { try replay.take(record) } catch {
                throw CommandFailure(
                    .dataError,
                    "\(name):\(lines): \(error); \(replay.repeated) decisions before it came out alike")
            }
        }
        guard replay.policy != nil else {
            throw CommandFailure(
                .dataError, "\(name): no checkpoint is in it, from which it could be repeated")
        }
    }

    var text: String {
        let start =
            replay.passedOver == 0 ? "" : " (\(replay.passedOver) records stood before the first checkpoint)"
        return "\(replay.repeated) decisions, all come out alike\(start)"
    }

    var json: JSONValue {
        [
            "version": 1, "decisions": JSONValue(replay.repeated), "alike": true,
            "passedOver": JSONValue(replay.passedOver),
        ]
    }
}

/// `roost journal`.
struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Prints the resource manager's journal: observations and decisions.",
        discussion: """
            A line each, oldest first; 'roost whatif --journal' repeats the decisions from them.

            EXAMPLES
              roost journal > today.journal
              roost journal | roost whatif --journal -
            """)

    @Flag(help: "Print JSON, for programs: the same lines in an array.")
    var json = false

    @OptionGroup var place: Place

    func run() throws {
        guard case .string(let text) = try Manager(place.directory).ask("GET", .journal) else {
            throw CommandFailure(.software, "the resource manager's journal is no text")
        }
        guard json else {
            try StandardOutput.write(text)
            return
        }
        let lines = text.split(separator: "\n").map { JSONValue.string(String($0)) }
        try StandardOutput.write((["version": 1, "records": .array(lines)] as JSONValue).text(.pretty))
    }
}
