internal import ArgumentParser
internal import Glibc

// Like `Roost.main()`, but every error is one line `roost: error: …` with an exit code that means
// something (docs/exit-codes.md).
let arguments = Array(CommandLine.arguments.dropFirst())
do {
    try RoostCommand.checkCommandName(arguments)
    var command = try RoostCommand.parseAsRoot(arguments)
    try command.run()
} catch {
    exit(Outcome.of(error, arguments: arguments).report())
}
