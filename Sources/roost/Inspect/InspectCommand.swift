internal import ArgumentParser
internal import Glibc
internal import Introspection
internal import JSONText
internal import Specification

/// `roost inspect`.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Looks into a Linux guest from outside: processes, log, modules, memory, sockets…",
        usage: """
            roost inspect VM VIEW [ARGUMENTS] [OPTIONS]
            roost inspect --image FILE VIEW [ARGUMENTS] [OPTIONS]
            """,
        discussion: """
            Nothing is installed in the guest or configured: the kernel, its symbols and its types are \
            found in the guest's memory. The machine runs on meanwhile; what changed as it was read is \
            read again, and marked if it never settled. With --pause the machine stands still for the \
            time of one look, which is told, and no longer whatever becomes of this command.

            \(InspectView.help)

            EXAMPLES
              roost inspect web1 os
              roost inspect web1 ps --pause
              roost inspect web1 ps --tree
              roost inspect web1 dmesg --follow
              roost inspect web1 syms init_task
              roost inspect --image web1.core ps --json
            """)

    @Argument(help: .init("The machine, the view and what the view needs.", valueName: "WORD"))
    var words: [String] = []

    @Option(
        help: .init("A memory dump, raw or ELF, instead of a machine.", valueName: "FILE"),
        completion: .file())
    var image: String?

    @Flag(help: "Stop the machine while it is read.")
    var pause = false

    @Flag(help: "Print JSON, for programs.")
    var json = false

    @Option(
        help: .init(
            "Again each time so much time has passed, until interrupted: 500ms, 1s, 2m.", valueName: "TIME"),
        transform: { try Wording.parse($0, WatchInterval.form) { WatchInterval($0) } })
    var watch: WatchInterval?

    @OptionGroup var options: ViewOptions
    @OptionGroup var place: Place

    func run() throws {
        var words = words[...]
        let target: InspectTarget
        if let image {
            target = try InspectTarget(dump: image)
        } else {
            guard let machine = words.popFirst() else {
                throw CommandFailure(.usage, "the machine's name is missing (see 'roost inspect --help')")
            }
            if words.isEmpty, InspectView(rawValue: machine) != nil {
                throw CommandFailure(.usage, "the machine's name before '\(machine)' is missing")
            }
            target = try InspectTarget(machine: try place.directory.running(machine))
        }
        let view = try InspectView(words.popFirst())
        let request = try ViewRequest(view, Array(words), options)
        var contact: UInt64 = 0
        let kernel = try target.kernel(nanoseconds: &contact)
        if options.follow { return try LogFollower(kernel, of: target.name, asJSON: json).run() }
        let inspector = try Inspector(kernel, target, request, contactNanoseconds: contact)
        var isFirst = true
        while true {
            do throws(CommandFailure) {
                let look = try inspector.look(isPaused: pause)
                try show(look, target, view)
            } catch {
                // A machine that was watched, and has ended: nothing is wrong.
                if !isFirst, try !target.isThere { return }
                throw error
            }
            guard let watch else { return }
            isFirst = false
            watch.sleep()
        }
    }

    private func show(_ look: Look, _ target: InspectTarget, _ view: InspectView) throws(CommandFailure) {
        if json {
            let text = look.json(of: target.name, view: view).text(watch == nil ? .pretty : .compact)
            try StandardOutput.write(text)
            return
        }
        var lines = look.lines
        if look.pausedNanoseconds > 0 {
            lines.append("(the machine stood still for \(Amount.time(look.pausedNanoseconds)))")
        }
        let clears = watch != nil && isatty(STDOUT_FILENO) == 1
        if lines.isEmpty, !clears { return }
        try StandardOutput.write((clears ? "\u{1B}[H\u{1B}[2J" : "") + lines.joined(separator: "\n"))
    }
}

/// What some views can be asked for.
struct ViewOptions: ParsableArguments {
    @Flag(help: "ps: each process below its parent.")
    var tree = false

    @Flag(help: "ps: each thread.")
    var threads = false

    @Flag(help: "dmesg: go on with new messages, until interrupted.")
    var follow = false

    @Option(help: .init("read, walk: in this process's address space.", valueName: "PID"))
    var pid: Int32?

    @Flag(help: "read: ADDR is a physical address.")
    var physical = false
}
