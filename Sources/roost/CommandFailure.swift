internal import HostSystem
internal import Specification

/// Why a command failed: one line for the user, and the exit code.
struct CommandFailure: Error {
    let code: Specification.ExitCode
    let message: String

    init(_ code: Specification.ExitCode, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ code: Specification.ExitCode, _ error: SystemError) {
        self.init(code, error.description)
    }
}
