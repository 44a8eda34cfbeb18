import Foundation
import MachineTesting

/// What `roost inspect` of a machine answered.
struct GuestLook {
    let status: ChildProcess.Status
    let output: String
    let errors: String

    /// Looks once, to the end.
    init(_ linux: LinuxMachine, _ words: [String]) throws {
        let process = try linux.startRoost(["inspect", LinuxMachine.name] + words)
        status = try process.finish()
        output = process.output.text
        errors = process.errors.text
    }

    /// What a program reads.
    struct Answer: Decodable {
        let version: Int
        let name: String
        let view: String
        let moment: String
        let pausedNanoseconds: Int
        let rows: [ViewCells]
    }

    /// Looks once and answers what a program reads; an error if the look did not succeed.
    static func answer(_ linux: LinuxMachine, _ words: [String]) throws -> Answer {
        let look = try GuestLook(linux, words + ["--json"])
        guard look.status == .exited(0), look.errors == "" else {
            // Why it ended says more than that it did.
            if look.errors.contains("the machine ended") { _ = try linux.finish() }
            throw TestFailure("inspect \(words.joined(separator: " ")): \(look.status): \(look.errors)")
        }
        return try look.answer()
    }

    /// What it printed with `--json`.
    func answer() throws -> Answer { try JSONDecoder().decode(Answer.self, from: Data(output.utf8)) }
}

extension LinuxMachine {
    /// Looks at a view while the machine stands still.
    func paused(_ words: String...) throws -> [ViewCells] {
        let answer = try GuestLook.answer(self, words + ["--pause"])
        guard answer.moment == "paused", answer.pausedNanoseconds > 0, answer.view == words[0] else {
            throw TestFailure(
                "\(words): \(answer.moment) for \(answer.pausedNanoseconds) ns, view \(answer.view)")
        }
        return answer.rows
    }

    /// Has the guest tell of itself.
    func report(_ arguments: String...) throws -> GuestReport {
        GuestReport(try run("report \(arguments.joined(separator: " "))"))
    }
}
