internal import ArgumentParser
internal import Glibc
internal import HostSystem

// Like `RoostCommand.main()`, but every error is one line `roost: error: …` with an exit code that
// means something (docs/exit-codes.md), and a plain `roost run` does not wait for ArgumentParser.
HostProcess.fillStandardDescriptors()
let arguments = Array(CommandLine.arguments.dropFirst())
do {
    if let request = RunRequest(plain: arguments) {
        try request.perform()
    } else {
        try RoostCommand.checkCommandName(arguments)
        var command = try RoostCommand.parseAsRoot(RunRequest.withAllValues(arguments))
        try command.run()
    }
} catch {
    exit(Outcome.of(error, arguments: arguments).report())
}
