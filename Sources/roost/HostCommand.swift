internal import ArgumentParser

/// `roost host`.
struct HostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host",
        abstract: "Tells what this host can do for virtual machines.")
    @Flag(help: "Print JSON, for programs.")
    var json = false
}
