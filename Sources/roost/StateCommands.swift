internal import ArgumentParser
internal import ControlProtocol
internal import Glibc
internal import Specification

/// What the commands that name machines have in common.
struct MachineChoice: ParsableArguments {
    @Argument(help: .init("The machines' names.", valueName: "VM"))
    var machines: [String]

    @OptionGroup var place: Place

    func client(_ name: String) throws(CommandFailure) -> MachineClient {
        try MachineClient(try place.directory.running(name))
    }
}

/// Where running machines are listed.
struct Place: ParsableArguments {
    @Option(
        help: .init(
            "Where running machines are listed. (default: $ROOST_RUN_DIR, else the user's own)",
            valueName: "DIRECTORY"),
        completion: .directory)
    var runDirectory: String?

    var directory: MachineDirectory { MachineDirectory(runDirectory) }
}

/// `roost pause`.
struct PauseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Stops machines' virtual CPUs until 'roost resume'.",
        discussion: """
            The guest notices nothing but that time has passed. Pausing a paused machine is harmless.

            EXAMPLES
              roost pause web1
              roost pause $(roost ps -q)
            """)

    @OptionGroup var choice: MachineChoice

    func run() throws {
        try choice.change(.pause)
    }
}

extension MachineChoice {
    /// Has each machine change its state, and says what it is then.
    fileprivate func change(_ call: ControlCall) throws {
        try forEachMachine(machines) { name in
            let change = try StateChange(json: try client(name).ask(call))
            // One that was to go on, and stands still for a look that somebody takes.
            let isHeld = call == .resume && change.state == .paused
            let remark = isHeld ? " as long as somebody holds it" : change.isChanged ? "" : " already"
            try StandardOutput.write("\(name): \(change.state.rawValue)\(remark)")
        }
    }
}

/// `roost resume`.
struct ResumeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Lets paused machines go on.",
        discussion: """
            Resuming a machine that runs is harmless. One that 'roost inspect --pause' or 'roost dump' keeps \
            still goes on when that is done.

            EXAMPLES
              roost resume web1
            """)

    @OptionGroup var choice: MachineChoice

    func run() throws {
        try choice.change(.resume)
    }
}

/// `roost stop`.
struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Asks guests to power off, and stops those that do not.",
        discussion: """
            It presses the power button, waits for the grace time, then ends the machine, and returns \
            when it is gone. A guest that does not listen to the button is ended at once.

            EXAMPLES
              roost stop web1
              roost stop --grace 60 web1 web2
            """)

    @Option(
        help: .init(
            "How long a guest has, 0 to 3600. (default: what 'roost run --grace' said)",
            valueName: "SECONDS"))
    var grace: Int?

    @OptionGroup var choice: MachineChoice

    func validate() throws {
        if let grace, !ControlCall.graceRange.contains(grace) {
            throw ValidationError("--grace is \(grace); allowed: a whole number from 0 to 3600")
        }
    }

    func run() throws {
        var asked: [String: MachineClient] = [:]
        var failures: [String: CommandFailure] = [:]
        // All are asked before one is waited for.
        for name in choice.machines {
            do {
                let client = try choice.client(name)
                try client.send(.stop(graceSeconds: grace), .wait)
                asked[name] = client
            } catch {
                failures[name] = error
            }
        }
        try forEachMachine(choice.machines) { name in
            if let failure = failures[name] { throw failure }
            guard let client = asked[name] else { return }
            _ = try client.reply()
            try StandardOutput.write("\(name): \(Outcome.printable(try client.end().reason))")
        }
    }
}

/// `roost kill`.
struct KillCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Ends machines at once.",
        discussion: """
            The guest is not asked: it is as if the plug were pulled. It returns when the machine is gone.

            EXAMPLES
              roost kill web1
              roost kill $(roost ps -q)
            """)

    @OptionGroup var choice: MachineChoice

    func run() throws {
        try forEachMachine(choice.machines) { name in
            let client = try choice.client(name)
            try client.send(.kill, .wait)
            _ = try client.reply()
            try StandardOutput.write("\(name): \(Outcome.printable(try client.end().reason))")
        }
    }
}

/// `roost wait`.
struct WaitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Waits until a machine has ended, and exits as it did.",
        discussion: """
            The exit code is the machine's, as 'roost run' would have had it. It also tells that of a \
            detached machine that has ended already.

            EXAMPLES
              roost wait web1
            """)

    @Argument(help: .init("The machine's name.", valueName: "VM"))
    var machine: String

    @OptionGroup var place: Place

    func run() throws {
        let entry = try place.directory.find(machine)
        let report = try end(of: entry)
        try StandardOutput.write("\(machine): \(Outcome.printable(report.reason))")
        Glibc.exit(Int32(report.exitCode))
    }

    private func end(of entry: MachineDirectory.Entry) throws -> EndReport {
        do {
            if try entry.isAlive {
                let client = try MachineClient(entry)
                try client.send(.wait)
                return try client.end()
            }
        } catch {
            // It may have ended between the two; then it has said how.
            if try entry.isAlive { throw error }
        }
        guard let end = entry.end else {
            throw CommandFailure(.noInput, "nothing says how the machine \(machine) ended: it was killed")
        }
        return end
    }
}

/// `roost rm`.
struct RemoveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Removes the logs of detached machines that have ended.",
        discussion: """
            'roost ps -a' shows them. The next machine of the name, and the twentieth after, remove them \
            too.

            EXAMPLES
              roost rm web1
            """)

    @OptionGroup var choice: MachineChoice

    func run() throws {
        let directory = choice.place.directory
        try forEachMachine(choice.machines) { name in
            try directory.remove(try directory.find(name))
        }
    }
}
