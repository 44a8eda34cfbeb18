import MachineTesting
import Testing

/// A run directory of a test's own, and `roost run` with it.
final class RoostHost {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// The run directory as it is while no machine runs: not there, or empty.
    var leftovers: [String] { directory.contents(of: "run") }

    /// What a program is given so that it works with this run directory.
    var environment: [String: String] { ["ROOST_RUN_DIR": directory.path + "/run"] }

    /// Starts `roost` with arguments as they are.
    func start(
        _ arguments: [String], input: ChildProcess.Input = .null, output: ChildProcess.Output = .pipe,
        environment: [String: String] = [:]
    ) throws -> ChildProcess {
        try ChildProcess(
            TestHost.buildDirectory + "/roost", arguments,
            environment: self.environment.merging(environment) { $1 }, input: input, output: output)
    }

    /// Starts a machine named `vm` with a test guest.
    func boot(
        _ guest: String, _ commandLine: String = "", _ flags: [String] = [],
        input: ChildProcess.Input = .null,
        output: ChildProcess.Output = .pipe
    ) throws -> ChildProcess {
        let arguments = [
            "run", try TestHost.guest(guest), "--name", "vm", "--memory", "64M", "--cmdline", commandLine,
        ]
        // A flag may not be given twice: those of the test count.
        var kept: [String] = []
        var index = 0
        while index < arguments.count {
            if index >= 2, flags.contains(arguments[index]) { index += 2; continue }
            kept.append(arguments[index])
            index += 1
        }
        return try start(kept + flags, input: input, output: output)
    }

    /// Runs `roost` to its end and checks that nothing is left behind.
    func run(
        _ arguments: [String], input: ChildProcess.Input = .null, output: ChildProcess.Output = .pipe,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Finished {
        let finished = try Finished(try start(arguments, input: input, output: output))
        #expect(leftovers == [], "the run directory is empty again", sourceLocation: sourceLocation)
        return finished
    }

    /// Runs a machine with a test guest to its end and checks that nothing is left behind.
    func run(
        _ guest: String, _ commandLine: String = "", _ flags: [String] = [],
        input: ChildProcess.Input = .null,
        output: ChildProcess.Output = .pipe, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Finished {
        let finished = try Finished(try boot(guest, commandLine, flags, input: input, output: output))
        #expect(leftovers == [], "the run directory is empty again", sourceLocation: sourceLocation)
        return finished
    }
}

/// What a run has left: output, messages, status.
struct Finished {
    let output: String
    let errors: String
    let status: ChildProcess.Status

    init(_ process: ChildProcess) throws {
        status = try process.finish()
        output = process.output.text
        errors = process.errors.text
    }

    /// The lines on standard error.
    var errorLines: [Substring] { errors.split(separator: "\n") }
}
