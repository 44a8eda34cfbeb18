internal import ArgumentParser
internal import Specification

/// `roost` itself: what its commands have in common.
struct RoostCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "roost",
        abstract: "Runs small virtual machines on Linux/KVM, each in a process of its own.",
        discussion: """
            EXAMPLES
              roost host
              roost run .build/guests/hello.elf
              roost run vmlinuz -i initrd.img -m 512M --cmdline console=ttyS0
              roost run -d vmlinuz --name web1 --cmdline console=ttyS0
              roost ps
              roost attach web1
              roost stop web1
              roost stats web1 --watch 1s
              roost set web1 --cpu-shares high
              roost why web1
              roost up shop.yaml
              source <(roost --generate-completion-script bash)

            Exit codes are listed in docs/exit-codes.md.
            """,
        version: Release.version,
        subcommands: [
            RunCommand.self, PsCommand.self, StatsCommand.self, AttachCommand.self, LogsCommand.self,
            PauseCommand.self, ResumeCommand.self, StopCommand.self, KillCommand.self, WaitCommand.self,
            RemoveCommand.self, InspectCommand.self, DumpCommand.self,
            BalloonCommand.self, LimitsCommand.self, SetCommand.self, PoolCommand.self,
            WhyCommand.self, WhatIfCommand.self, JournalCommand.self, UpCommand.self, DownCommand.self,
            HostCommand.self, VersionCommand.self,
        ])

    /// The names of all commands. (No key path: one over metatypes crashes the compiler of Swift 6.3.1.)
    static var commandNames: [String] {
        configuration.subcommands.compactMap { $0.configuration.commandName }
    }

    /// Refuses a command that does not exist, naming the one that was probably meant.
    static func checkCommandName(_ arguments: [String]) throws(CommandFailure) {
        guard let word = arguments.first, !word.hasPrefix("-") else { return }
        let known = commandNames + ["help"]
        guard !known.contains(word) else { return }
        let hint = Spelling.nearest(to: word, among: known).map { "; did you mean '\($0)'?" }
        throw CommandFailure(.usage, "there is no command '\(word)'" + (hint ?? " (see 'roost --help')"))
    }
}
