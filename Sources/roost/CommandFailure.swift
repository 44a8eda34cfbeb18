internal import HostSystem
internal import ManagerProtocol
internal import Specification

/// Why a command failed: one line for the user, and the exit code.
struct CommandFailure: Error {
    let code: Specification.ExitCode
    let message: String
    /// What kind of problem the resource manager had with the request, if it refused one.
    var problem: ManagerProblem.Kind?

    init(_ code: Specification.ExitCode, _ message: String) {
        self.code = code
        self.message = message
    }

    init(_ code: Specification.ExitCode, _ error: SystemError) {
        self.init(code, error.description)
    }
}
