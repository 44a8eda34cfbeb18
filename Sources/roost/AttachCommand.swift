internal import ArgumentParser
internal import ControlProtocol
internal import Glibc
internal import HostSystem
internal import Specification

/// `roost attach`.
struct AttachCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Connects this terminal to a detached machine's console.",
        discussion: """
            The last lines are shown first. On a terminal, Ctrl-A d leaves the machine running, Ctrl-A x \
            stops it, and Ctrl-A c shows what else there is. Several may attach; all see the same, and \
            all may type. When the machine ends, the exit code is its.

            EXAMPLES
              roost attach web1
              roost attach web1 --escape ctrl-b
            """)

    @Option(
        help: .init("The key that is not the guest's: ctrl-a to ctrl-z, or none.", valueName: "KEY"),
        transform: { try Wording.parse($0, EscapeKey.form) { EscapeKey($0) } })
    var escape: EscapeKey = .standard

    @Argument(help: .init("The machine's name.", valueName: "VM"))
    var machine: String

    @OptionGroup var place: Place

    func run() throws {
        let entry = try place.directory.running(machine)
        let client = try MachineClient(entry)
        let socket: OwnedDescriptor
        do {
            socket = try LocalSocket.connect(to: entry.file(RunFiles.consoleSocket))
        } catch  where error.number == ENOENT {
            throw CommandFailure(.unavailable, Self.noConsole(entry))
        } catch {
            throw CommandFailure(error.isPermission ? .noPermission : .tempFail, error)
        }
        try client.send(.wait)
        var session = try ConsoleSession(socket, escape)
        let status: Int32
        switch try session.run() {
        case .detached:
            DescriptorIO.writeToStandardError("\nroost: detached from \(machine), which runs on\n")
            status = 0
        case .stopWished:
            let killer = try MachineClient(entry)
            try killer.send(.kill)
            status = try Self.sayEnd(client)
        case .signal(let signal):
            status = 128 + signal.rawValue
        case .closed:
            status = try Self.sayEnd(client)
        }
        Glibc.exit(status)
    }

    private static func sayEnd(_ client: MachineClient) throws -> Int32 {
        let report = try client.end()
        DescriptorIO.writeToStandardError("roost: \(client.name): \(Outcome.printable(report.reason))\n")
        return Int32(report.exitCode)
    }

    /// Why there is nothing to attach to, and what there is instead.
    static func noConsole(_ entry: MachineDirectory.Entry) -> String {
        let place = entry.specification.map { "its console is \($0.console)" } ?? "its console is elsewhere"
        return
            "the machine \(entry.name) has no console to attach to: \(place); 'roost run -d' or --console socket makes one"
    }
}
