internal import ArgumentParser
internal import Glibc
internal import HostSystem

// As `roost` does: an error is one line, with an exit code that means something.
HostProcess.fillStandardDescriptors()
do {
    let command = try RoostdCommand.parse()
    try command.run()
} catch let error as DaemonFailure {
    DescriptorIO.writeToStandardError("roostd: error: \(error.message)\n")
    exit(error.status)
} catch {
    RoostdCommand.exit(withError: error)
}
