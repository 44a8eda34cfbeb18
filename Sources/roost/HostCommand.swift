internal import ArgumentParser
internal import Glibc
internal import HostSystem
internal import JSONText
internal import KVM
internal import Specification

/// `roost host`.
struct HostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host",
        abstract: "Tells what this host can do for virtual machines.",
        discussion: """
            It looks at /dev/kvm, /proc and /sys, and changes nothing. The exit code is 0 if machines \
            run here, 77 if only the permission is missing, and 69 if they do not.

            EXAMPLES
              roost host
              roost host --json
            """)

    @Flag(help: "Print JSON, for programs.")
    var json = false

    func run() throws {
        let report = HostReport(facts: .gather())
        try StandardOutput.write(json ? report.json.text(.pretty) : report.text)
        if let problem = report.facts.kvm.problem {
            // The report has said why, so there is no second line on standard error.
            Glibc.exit(Self.code(for: problem).status)
        }
    }

    private static func code(for problem: KVMError) -> Specification.ExitCode {
        switch problem {
        case .unavailable(let error) where [EACCES, EPERM].contains(error.number): .noPermission
        case .unavailable, .wrongVersion, .missing: .unavailable
        case .call: .osError
        }
    }
}
