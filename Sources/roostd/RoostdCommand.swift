public import ArgumentParser
internal import CLinux
internal import Glibc
public import HostControl
internal import HostSystem
internal import Manager
internal import ManagerProtocol
internal import Specification

/// `roostd`: the resource manager of one run directory.
struct RoostdCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roostd",
        abstract: "Divides this host's CPUs among the machines of a run directory.",
        discussion: """
            'roost run' starts it when it is needed, and it ends a minute after the last machine. It may be \
            killed at any time: machines run on with their last settings, and the next one takes over.

            Its API is HTTP on the socket roostd.sock in the run directory (docs/api/openapi.yaml). Under \
            systemd it takes the socket it is given, says when it is ready, and stays.

            EXAMPLES
              roostd
              roostd --run-directory /run/roost --stay
              curl --unix-socket /run/roost/roostd.sock http://roost/v1/machines
            """,
        version: Release.version)

    @Option(
        help: .init(
            "Whose machines it looks after. (default: $ROOST_RUN_DIR, else the user's own)",
            valueName: "DIRECTORY"), completion: .directory)
    var runDirectory: String?

    @Flag(help: "Stay when there is no machine.")
    var stay = false

    @Option(help: .init("End so many seconds after the last machine, 1 to 86400.", valueName: "SECONDS"))
    var idleSeconds = 60

    @Option(
        help: .init(
            """
            What it divides CPUs by: 'auto' for the best there is, 'cgroup' for control groups alone, 'nice' for nice \
            values although there may be control groups; 'roost host' tells what there is.
            """, valueName: "MECHANISM"))
    var mechanism = MechanismChoice.best

    @Flag(help: "Go to the background, and write messages to roostd.log in the run directory.")
    var background = false

    @Option(help: .hidden)
    var readyFd: Int32?

    mutating func validate() throws {
        guard (1...86400).contains(idleSeconds) else {
            throw ValidationError("--idle-seconds is \(idleSeconds); allowed: 1 to 86400")
        }
    }

    func run() throws {
        if background, clinux_daemonize() < 0 {
            throw DaemonFailure(SystemError("go to the background", number: errno))
        }
        let directory =
            runDirectory
            ?? MachineSpec.usualRunDirectory(
                user: HostProcess.user, environment: HostProcess.environment,
                isWritable: FileTree.isWritableDirectory)
        do throws(SystemError) {
            try Daemon(
                directory: directory, staysIdle: stay, idleSeconds: idleSeconds, mechanism: mechanism,
                isInBackground: background, readyDescriptor: readyFd
            ).run()
        } catch {
            throw DaemonFailure(error)
        }
    }
}

/// By its word.
extension MechanismChoice: ExpressibleByArgument {}
