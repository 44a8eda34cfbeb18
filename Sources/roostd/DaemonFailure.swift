internal import HostSystem
internal import Specification

/// Why the daemon does not run.
struct DaemonFailure: Error {
    let status: Int32
    let message: String

    init(_ code: ExitCode, _ message: String) {
        status = code.status
        self.message = message
    }

    init(_ error: SystemError) {
        self.init(error.isPermission ? .noPermission : .osError, error.description)
    }
}
