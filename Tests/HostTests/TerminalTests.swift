import Glibc
import MachineTesting
import Testing

/// A person at a terminal.
@Suite("Terminal", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct TerminalTests {
    let host: RoostHost
    let terminal: TestTerminal
    /// The terminal's settings before Roost came.
    let settings: String

    init() throws {
        host = try RoostHost()
        terminal = try TestTerminal()
        settings = terminal.settings
        try #require(!terminal.isRaw)
    }

    private func boot(_ guest: String, _ commandLine: String = "", _ flags: [String] = []) throws
        -> ChildProcess
    {
        try host.boot(guest, commandLine, flags, input: .terminal(terminal), output: .terminal)
    }

    @Test("It is raw while the guest runs, and as before once the guest has ended")
    func guestExit() throws {
        let machine = try boot("timer", "ticks=1 echo=3")
        try machine.wait(forOutput: "timer: type 3 bytes")
        #expect(terminal.isRaw)
        // Ctrl-C, Ctrl-D, Ctrl-Z: all for the guest.
        try machine.type([3, 4, 26])
        #expect(try machine.finish() == .exited(0))
        #expect(machine.output.contains("timer: got \"\u{3}\u{4}\u{1a}\" in "))
        #expect(terminal.settings == settings && machine.errors == [])
    }

    @Test("It is as before after a crash of the guest")
    func guestCrash() throws {
        let machine = try boot("fault", "kind=triple")
        #expect(try machine.finish() == .exited(33))
        #expect(terminal.settings == settings)
    }

    @Test(
        "It is as before after every signal that ends Roost, a crash of its own too",
        arguments: [
            SIGTERM, SIGHUP, SIGINT, SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE, SIGQUIT, SIGTRAP, SIGSYS,
        ])
    func signals(number: Int32) throws {
        let machine = try boot("fault", "kind=loop")
        try machine.wait(forOutput: "looping")
        #expect(terminal.isRaw)
        machine.signal(number)
        let status = try machine.finish()
        let isAsked = [SIGTERM, SIGHUP, SIGINT].contains(number)
        #expect(status == (isAsked ? .exited(128 + number) : .killed(signal: number)))
        #expect(terminal.settings == settings)
    }

    @Test("It is as before after an error before the guest starts")
    func startError() throws {
        let text = try host.directory.write(Array("no kernel".utf8), to: "text")
        let run = try Finished(
            try host.start(["run", text, "-n", "vm"], input: .terminal(terminal), output: .terminal))
        #expect(run.status == .exited(65) && terminal.settings == settings)
    }

    @Test(
        "The escape key and x stop the machine",
        arguments: [("ctrl-a", 1), ("ctrl-b", 2)] as [(String, UInt8)])
    func quit(name: String, key: UInt8) throws {
        let machine = try boot("fault", "kind=loop", ["--escape", name])
        try machine.wait(forOutput: "looping")
        try machine.type([key, UInt8(ascii: "x")])
        #expect(try machine.finish() == .exited(130))
        #expect(machine.errors.text == "roost: vm: warning: stopped by the escape key\n")
        #expect(terminal.settings == settings && host.leftovers == [])
    }

    @Test("The escape key and c show what there is, and the guest gets neither")
    func menu() throws {
        let machine = try boot("timer", "ticks=1 echo=2")
        try machine.wait(forOutput: "timer: type 2 bytes")
        try machine.type("\u{1}c")
        try machine.wait(forErrors: "\n")
        #expect(machine.errors.text.contains(/^roost: vm: ctrl-a then x: stop the machine; .*\n$/))
        try machine.type("ok")
        #expect(try machine.finish() == .exited(0))
        #expect(machine.output.contains("timer: got \"ok\" in "))
    }

    @Test("The escape key twice sends it once, and so does it with the letter")
    func sendEscapeKey() throws {
        let machine = try boot("timer", "ticks=1 echo=3")
        try machine.wait(forOutput: "timer: type 3 bytes")
        try machine.type("\u{1}\u{1}\u{1}a\u{2}")
        #expect(try machine.finish() == .exited(0))
        #expect(machine.output.contains("timer: got \"\u{1}\u{1}\u{2}\" in "))
    }

    @Test(
        "With --escape none every key goes to the guest; with another key Ctrl-A does",
        arguments: ["none", "ctrl-b"])
    func otherEscapeKey(name: String) throws {
        let machine = try boot("timer", "ticks=1 echo=2", ["--escape", name])
        try machine.wait(forOutput: "timer: type 2 bytes")
        try machine.type("\u{1}x")
        #expect(try machine.finish() == .exited(0))
        #expect(machine.output.contains("timer: got \"\u{1}x\" in "))
        #expect(machine.errors == [])
    }

    @Test("The escape key and s type the terminal's size")
    func size() throws {
        terminal.resize(columns: 132, rows: 43)
        let machine = try boot("timer", "ticks=1 echo=21")
        try machine.wait(forOutput: "timer: type 21 bytes")
        try machine.type("\u{1}s")
        #expect(try machine.finish() == .exited(0))
        #expect(machine.output.contains("timer: got \"stty rows 43 cols 132\" in "))
    }

    @Test("The escape key works also when the guest reads nothing of what is typed")
    func escapeFromDeafGuest() throws {
        let machine = try boot("fault", "kind=loop")
        try machine.wait(forOutput: "looping")
        // More than the serial port and its queue hold.
        try machine.type([UInt8](repeating: UInt8(ascii: "a"), count: 20_000))
        try machine.type([1, UInt8(ascii: "x")])
        #expect(try machine.finish() == .exited(130))
        #expect(terminal.settings == settings)
    }

    @Test("A script's input has no escape key")
    func pipeHasNoEscapeKey() throws {
        let machine = try host.boot("timer", "ticks=1 echo=2", input: .pipe)
        try machine.wait(forOutput: "timer: type 2 bytes")
        try machine.type("\u{1}x")
        #expect(try machine.finish() == .exited(0))
        #expect(machine.output.contains("timer: got \"\u{1}x\" in "))
    }

    @Test("A job in the background leaves the terminal alone")
    func background() throws {
        let shell = try ChildProcess(
            "/bin/sh",
            [
                "-c",
                "set -m; \(TestHost.buildDirectory)/roost run \(try TestHost.guest("timer")) --name vm "
                    + "--cmdline ticks=1 --run-directory \(host.directory.path)/run & wait $!; echo status=$?",
            ], input: .terminal(terminal), output: .terminal)
        try shell.wait(forOutput: "timer: ")
        #expect(!terminal.isRaw)
        // What the shell then does with its terminal is its own affair.
        try shell.wait(forOutput: "status=")
        #expect(shell.output.contains("status=0") && terminal.settings == settings)
        try shell.finish()
    }
}
