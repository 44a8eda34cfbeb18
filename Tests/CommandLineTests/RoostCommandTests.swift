import Foundation
import JSONText
import MachineTesting
import Specification
import Testing

@Suite("roost and its other commands")
struct RoostCommandTests {
    @Test(
        "Every command explains itself with an example",
        arguments: [
            [], ["run"], ["ps"], ["attach"], ["logs"], ["pause"], ["resume"], ["stop"], ["kill"], ["wait"],
            ["rm"], ["balloon"], ["limits"], ["set"], ["pool"], ["pool", "create"], ["pool", "ls"],
            ["pool", "rm"],
            ["why"], ["whatif"], ["journal"], ["up"], ["down"], ["host"], ["version"], ["stats"],
        ])
    func help(command: [String]) throws {
        let run = try RoostProcess(command + ["--help"])
        #expect(run.status == 0 && run.errors == "")
        #expect(
            run.output.contains(
                "EXAMPLES\n  roost \(command.isEmpty ? "host" : command.joined(separator: " "))"))
        #expect(run.output.contains("USAGE: roost"))
        #expect(run.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test(
        "A command that does not exist is told with the one that was meant",
        arguments: [
            ("rnu", "there is no command 'rnu'; did you mean 'run'?"),
            ("hots", "there is no command 'hots'; did you mean 'host'?"),
            ("begin", "there is no command 'begin' (see 'roost --help')"),
            ("a\nb\u{1B}[31m", "there is no command 'a b\\u{1b}[31m' (see 'roost --help')"),
        ])
    func unknownCommand(word: String, message: String) throws {
        let run = try RoostProcess([word])
        #expect(run.errors == "roost: error: \(message)\n")
        #expect(run.output == "" && run.status == ExitCode.usage.status)
    }

    @Test("The version is told in words and in JSON")
    func version() throws {
        #expect(try RoostProcess(["--version"]).output == "\(Release.version)\n")
        #expect(try RoostProcess(["version"]).output.hasPrefix("roost \(Release.version)\n"))
        let json = try JSONValue(text: try RoostProcess(["version", "--json"]).output)
        #expect(json["version"] == 1 && json["roost"] == .string(Release.version))
    }

    @Test("The host is told in words and in JSON, and the exit code agrees")
    func host() throws {
        let words = try RoostProcess(["host"])
        let run = try RoostProcess(["host", "--json"])
        let json = try JSONValue(text: run.output)
        #expect(json["version"] == 1)
        guard case .string(let summary) = json["summary"], case .boolean(let usable) = json["usable"],
            case .array(let capabilities) = json["kvm"]?["capabilities"]
        else {
            Issue.record("a member is missing")
            return
        }
        #expect(words.output.hasPrefix(summary + "\n\n"))
        #expect(words.output.contains("  /dev/kvm ") && words.output.contains("Control groups\n"))
        #expect(capabilities.contains { $0["name"] == "USER_MEMORY" && $0["required"] == true })
        guard case .string(let mechanism) = json["division"]?["mechanism"],
            case .array(let processors) = json["division"]?["processors"],
            case .array(let remarks) = json["division"]?["remarks"]
        else {
            Issue.record("how processors are divided is missing")
            return
        }
        #expect(!processors.isEmpty)
        #expect(mechanism == "cgroup v2" || !remarks.isEmpty, "it says why there is nothing better")
        #expect(words.output.contains("  machines are divided by \(mechanism)"))
        for case .string(let remark) in remarks { #expect(words.output.contains("  \(remark)\n")) }
        #expect(words.status == run.status && (run.status == 0) == usable)
        #expect(run.errors == "" && words.errors == "")
    }

    @Test("Completion scripts exist, and bash accepts its own", arguments: ["bash", "zsh", "fish"])
    func completion(shell: String) throws {
        let script = try RoostProcess(["--generate-completion-script", shell])
        #expect(script.status == 0 && script.errors == "")
        #expect(script.output.contains("print-spec") && script.output.contains("roost"))
        guard shell == "bash" else { return }
        let check = Process()
        check.executableURL = URL(filePath: "/bin/bash")
        check.arguments = ["-n", "/dev/stdin"]
        let input = Pipe()
        check.standardInput = input
        try withNoProcessBeingStarted { try check.run() }
        try input.fileHandleForWriting.write(contentsOf: Data(script.output.utf8))
        try input.fileHandleForWriting.close()
        check.waitUntilExit()
        #expect(check.terminationStatus == 0)
    }

    @Test("A full disk under standard output is an error")
    func fullDisk() throws {
        let process = Process()
        process.executableURL = RoostProcess.buildDirectory.appending(path: "roost")
        process.arguments = ["version"]
        process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
        let errors = Pipe()
        process.standardError = errors
        try withNoProcessBeingStarted { try process.run() }
        process.waitUntilExit()
        let text = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(text == "roost: error: cannot write to standard output: No space left on device\n")
        #expect(process.terminationStatus == ExitCode.ioError.status)
    }
}
