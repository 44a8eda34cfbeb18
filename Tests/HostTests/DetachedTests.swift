import Foundation
import JSONText
import MachineTesting
import Testing

/// Machines in the background, as a person handles them with `roost`.
@Suite("Detached machines", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
final class DetachedTests {
    let host: RoostHost

    init() throws {
        host = try RoostHost()
    }

    deinit {
        // Whatever became of the test.
        _ = try? host.command("kill", "vm")
    }

    private func listed(_ flags: String...) throws -> [JSONValue] {
        let run = try Finished(try host.start(["ps", "--json"] + flags))
        guard run.status == .exited(0),
            case .array(let machines) = try JSONValue(text: run.output)["machines"]
        else {
            throw TestFailure("\(run)")
        }
        return machines
    }

    /// Waits until a command prints a text.
    private func wait(for text: String, from arguments: String...) throws {
        let start = ContinuousClock.now
        while true {
            let run = try Finished(try host.start(arguments))
            if run.output.contains(text) { return }
            guard ContinuousClock.now - start < .seconds(60) else { throw TestFailure("no \(text): \(run)") }
        }
    }

    @Test("It runs when its name is printed, is listed, and is stopped")
    func life() throws {
        try host.detach("spin", "interval=10", ["--cpus", "2"])
        let machine = try #require(try listed().first)
        #expect(machine["name"] == "vm" && machine["state"] == "running" && machine["cpus"] == 2)
        #expect(machine["memory"] == JSONValue(64 << 20) && machine["end"] == .null)
        #expect(machine["kernel"] == .string(try TestHost.guest("spin")))
        #expect(try host.command("ps", "-q").output == "vm\n")
        let table = try host.command("ps")
        #expect(
            table.output.contains(
                /^NAME +PID +STATE +CPUS +MEMORY +UPTIME +KERNEL\nvm +[0-9]+ +running +2 +64M +[0-9]+s +\//))
        let stop = try host.command("stop", "vm", "--grace", "3")
        #expect(
            stop.output == "vm: stopped by roost stop\n" && stop.errors == "" && stop.status == .exited(0))
        #expect(try listed() == [])
        #expect(try host.command("ps", "-q").output == "")
        let ended = try #require(try listed("-a").first)
        #expect(ended["state"] == "exited" && ended["end"]?["exitCode"] == 143 && ended["pid"] == .null)
        #expect(
            host.directory.contents(of: "run/vm") == ["console.log", "end.json", "lock", "log", "spec.json"])
        #expect(try host.directory.read("run/vm/log").text == "roost: vm: warning: stopped by roost stop\n")
    }

    @Test("Pausing and resuming twice is harmless and says so")
    func pause() throws {
        try host.detach("spin", "interval=10")
        for (command, answer) in [
            ("pause", "vm: paused\n"), ("pause", "vm: paused already\n"), ("resume", "vm: running\n"),
            ("resume", "vm: running already\n"),
        ] {
            let run = try host.command(command, "vm")
            #expect(run.output == answer && run.errors == "" && run.status == .exited(0))
        }
        #expect(try host.command("pause", "vm").status == .exited(0))
        #expect(try host.command("ps").output.contains("paused"))
        #expect(try host.command("kill", "vm").output == "vm: stopped by roost kill\n")
        #expect(try host.command("wait", "vm").status == .exited(137))
    }

    @Test("The guest's exit code is what wait exits with, before and after the end")
    func wait() throws {
        try host.detach("timer", "ticks=1 echo=1")
        let waiter = try host.start(["wait", "vm"])
        // Seen by the machine, so that it does not come too late.
        try wait(for: "timer: type 1 bytes", from: "logs", "vm")
        let attached = try host.start(["attach", "vm"], input: .pipe)
        try attached.type("x")
        #expect(try attached.finish() == .exited(0))
        let early = try Finished(waiter)
        #expect(early.output == "vm: the guest ended with 0\n" && early.status == .exited(0))
        #expect(try host.command("wait", "vm").status == .exited(0))
        try host.detach("hello", "code=7")
        let late = try host.command("wait", "vm")
        #expect(late.output == "vm: the guest ended with 7\n" && late.status == .exited(7))
    }

    @Test("What cannot start is told by run itself, with its exit code, and leaves nothing")
    func startErrors() throws {
        let text = try host.directory.write(Array("no kernel".utf8), to: "text")
        let noKernel = try host.run(["run", "-d", text, "-n", "vm"])
        #expect(noKernel.status == .exited(65) && noKernel.output == "" && noKernel.errorLines.count == 1)
        let missing = try host.run(["run", "-d", "/no/kernel", "-n", "vm"])
        #expect(missing.status == .exited(66) && missing.output == "")
        let tooMuch = try host.run(["run", "-d", try TestHost.guest("hello"), "-n", "vm", "-m", "1T"])
        #expect(tooMuch.status == .exited(69) && tooMuch.output == "" && tooMuch.errorLines.count == 1)
    }

    @Test("A name in use is refused; that of an ended machine is free, and its logs are gone then")
    func names() throws {
        try host.detach("spin", "interval=10")
        let second = try Finished(try host.boot("spin", "", ["-d"]))
        #expect(second.status == .exited(75) && second.output == "")
        #expect(try host.command("kill", "vm").status == .exited(0))
        try host.detach("hello")
        #expect(try host.command("wait", "vm").status == .exited(0))
        #expect(try host.command("logs", "vm").output.hasPrefix("hello from ring 3\n"))
        #expect(try host.command("rm", "vm").status == .exited(0))
        #expect(host.leftovers == [])
        // A machine in the foreground takes over what a detached one left, and leaves nothing.
        try host.detach("hello")
        #expect(try host.command("wait", "vm").status == .exited(0))
        #expect(try host.run("hello").status == .exited(0))
    }

    @Test("A killed worker is listed no more, and its name is free again")
    func killedWorker() throws {
        try host.detach("spin", "interval=10")
        guard case .integer(let process) = try #require(try listed().first)["pid"] else {
            throw TestFailure("no pid")
        }
        kill(pid_t(process), SIGKILL)
        let start = ContinuousClock.now
        while try !listed().isEmpty {
            guard ContinuousClock.now - start < .seconds(60) else { throw TestFailure("still listed") }
        }
        #expect(try #require(try listed("-a").first)["state"] == "killed")
        let pause = try host.command("pause", "vm")
        #expect(pause.status == .exited(66))
        #expect(pause.errors == "roost: error: the machine vm is not running: it was killed\n")
        #expect(try host.command("logs", "vm").status == .exited(0))
        try host.detach("spin", "interval=10")
        #expect(try listed().count == 1)
        #expect(try host.command("kill", "vm").status == .exited(0))
    }

    @Test("A machine that is not there is told with those that are")
    func unknown() throws {
        let none = try host.command("pause", "web")
        #expect(none.status == .exited(66))
        #expect(
            none.errors
                == "roost: error: there is no machine 'web': none is running in \(host.directory.path)/run\n")
        try host.detach("spin", "interval=10")
        for command in [
            "pause", "resume", "stop", "kill", "wait", "balloon", "limits", "attach", "logs", "rm",
        ] {
            let run = try host.command(command, "web")
            #expect(run.status == .exited(66) && run.output == "")
            #expect(run.errors == "roost: error: there is no machine 'web'; running: vm\n")
        }
        // One wrong name keeps no other from being served.
        let both = try host.command("pause", "web", "vm")
        #expect(both.status == .exited(66) && both.output == "vm: paused\n" && both.errorLines.count == 1)
        #expect(try host.command("rm", "vm").status == .exited(75))
        let balloon = try host.command("balloon", "vm", "64M")
        #expect(balloon.status == .exited(69))
        #expect(balloon.errors == "roost: error: vm: this machine has no balloon\n")
        #expect(try host.command("limits", "vm").output.hasPrefix("serial0 serial "))
        #expect(try host.command("limits", "vm", "serial0", "--iops", "5").status == .exited(69))
        #expect(try host.command("limits", "vm", "disk0", "--bps", "5M").status == .exited(66))
        #expect(try host.command("limits", "vm", "--bps", "5M").status == .exited(64))
        #expect(try host.command("kill", "vm").status == .exited(0))
    }

    @Test("A machine that does not respond is said to, and does not hold up the list for ever")
    func silent() throws {
        try host.detach("spin", "interval=10")
        guard case .integer(let process) = try #require(try listed().first)["pid"] else {
            throw TestFailure("no pid")
        }
        kill(pid_t(process), SIGSTOP)
        let machine = try #require(try listed().first)
        #expect(machine["state"] == "silent" && machine["memory"] == JSONValue(64 << 20))
        let pause = try host.command("pause", "vm")
        #expect(pause.status == .exited(75))
        #expect(pause.errors == "roost: error: the machine vm does not respond\n")
        kill(pid_t(process), SIGCONT)
        #expect(try host.command("kill", "vm").status == .exited(0))
    }

    @Test("A machine in the foreground is controlled in the same way")
    func foreground() throws {
        let machine = try host.boot("spin", "interval=10")
        try machine.wait(forOutput: "spin cpu=0")
        _ = try host.client(of: machine)
        #expect(try host.command("pause", "vm").output == "vm: paused\n")
        let attach = try host.command("attach", "vm")
        #expect(attach.status == .exited(69) && attach.errors.contains("its console is stdio"))
        #expect(try host.command("logs", "vm").status == .exited(69))
        #expect(try host.command("kill", "vm").output == "vm: stopped by roost kill\n")
        #expect(try machine.finish() == .exited(137))
        #expect(host.leftovers == [])
    }

    @Test("The log holds all of the output, or its last lines, after the end too")
    func logs() throws {
        try host.detach("flood", "bytes=20480")
        #expect(try host.command("wait", "vm").status == .exited(0))
        let log = try host.command("logs", "vm").output
        #expect(log.utf8.count == 20480 && log.hasPrefix("flood 000000000000 "))
        let last = try host.command("logs", "-n", "2", "vm").output
        #expect(last.split(separator: "\n").count == 2 && log.hasSuffix(last))
        #expect(try host.command("logs", "-n", "0", "vm").output == "")
        #expect(try host.command("logs", "-n", "100000", "vm").output == log)
        #expect(try host.command("logs", "--messages", "vm").status == .exited(0))
    }

    @Test("Following the log goes on until the machine's end, and misses nothing")
    func follow() throws {
        try host.detach("timer", "ticks=1 echo=1")
        let follower = try host.start(["logs", "-f", "vm"])
        try follower.wait(forOutput: "timer: type 1 bytes")
        let attached = try host.start(["attach", "vm"], input: .pipe)
        try attached.type("q")
        #expect(try follower.finish() == .exited(0))
        #expect(follower.output.contains("got \"q\""))
        #expect(try host.command("logs", "vm").output == follower.output.text)
        #expect(try attached.finish() == .exited(0))
    }

    @Test("Of many ended machines the latest 20 keep their logs")
    func pruning() throws {
        let old = (10..<35).map { "old\($0)" }
        for name in old {
            let path = "\(host.directory.path)/run/\(name)"
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try Data("log".utf8).write(to: URL(filePath: path + "/log"))
            let time = Date(timeIntervalSince1970: 1_000_000 + Double(name.suffix(2))! * 100)
            try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: path)
        }
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o700], ofItemAtPath: host.directory.path + "/run")
        try host.detach("spin", "interval=10")
        #expect(host.leftovers == old.suffix(20) + ["vm"])
        #expect(try host.command("kill", "vm").status == .exited(0))
    }
}

/// A person at a terminal who attaches to a machine.
@Suite("Attaching", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
final class AttachTests {
    let host: RoostHost
    let terminal: TestTerminal
    let settings: String

    init() throws {
        host = try RoostHost()
        terminal = try TestTerminal()
        settings = terminal.settings
    }

    deinit {
        _ = try? host.command("kill", "vm")
    }

    private func attach(_ flags: String...) throws -> ChildProcess {
        try host.start(["attach", "vm"] + flags, input: .terminal(terminal), output: .terminal)
    }

    @Test("The last lines are shown, Ctrl-A d leaves the machine running, and one can come again")
    func detach() throws {
        try host.detach("timer", "ticks=1 echo=2")
        for _ in 0..<2 {
            let person = try attach()
            try person.wait(forOutput: "timer: type 2 bytes")
            #expect(terminal.isRaw)
            try person.type("\u{1}d")
            #expect(try person.finish() == .exited(0))
            #expect(person.errors.text == "\nroost: detached from vm, which runs on\n")
            #expect(terminal.settings == settings)
        }
        #expect(try host.command("ps", "-q").output == "vm\n")
        let person = try attach()
        try person.wait(forOutput: "timer: type 2 bytes")
        // Ctrl-C is the guest's.
        try person.type([3, UInt8(ascii: "k")])
        #expect(try person.finish() == .exited(0))
        #expect(person.output.contains("timer: got \"\u{3}k\" in "))
        #expect(person.errors.text == "roost: vm: the guest ended with 0\n")
        #expect(terminal.settings == settings)
    }

    @Test("Ctrl-A x stops the machine, c shows what there is, and s types the size")
    func commands() throws {
        try host.detach("timer", "ticks=1 echo=21")
        terminal.resize(columns: 132, rows: 43)
        let person = try attach()
        try person.wait(forOutput: "timer: type 21 bytes")
        try person.type("\u{1}c")
        try person.wait(forErrors: "d: detach")
        try person.type("\u{1}s")
        #expect(try person.finish() == .exited(0))
        #expect(person.output.contains("timer: got \"stty rows 43 cols 132\" in "))
        try host.detach("fault", "kind=loop")
        let other = try attach()
        try other.wait(forOutput: "looping")
        try other.type("\u{1}x")
        #expect(try other.finish() == .exited(137))
        #expect(other.errors.text == "roost: vm: stopped by roost kill\n" && terminal.settings == settings)
        #expect(try host.command("ps", "-q").output == "")
    }

    @Test("The escape key works also when the guest reads nothing")
    func deafGuest() throws {
        try host.detach("fault", "kind=loop")
        let person = try attach()
        try person.wait(forOutput: "looping")
        // More than the port, the machine and the socket hold.
        try person.type([UInt8](repeating: UInt8(ascii: "a"), count: 300_000))
        try person.type("\u{1}d")
        #expect(try person.finish() == .exited(0))
    }

    @Test("A signal to the one attached puts the terminal back and leaves the machine alone")
    func signals() throws {
        try host.detach("fault", "kind=loop")
        for number in [SIGTERM, SIGHUP, SIGKILL] {
            let person = try attach()
            try person.wait(forOutput: "looping")
            person.signal(number)
            #expect(
                try person.finish() == (number == SIGKILL ? .killed(signal: number) : .exited(128 + number)))
            if number != SIGKILL { #expect(terminal.settings == settings) }
        }
        #expect(try host.command("ps").output.contains("running"))
    }

    @Test("All who are attached see the same, and one too many is told so")
    func several() throws {
        try host.detach("timer", "ticks=1 echo=1")
        let people = try (0..<8).map { _ in try host.start(["attach", "vm"], input: .pipe) }
        for person in people { try person.wait(forOutput: "timer: type 1 bytes") }
        let tooMany = try host.start(["attach", "vm"], input: .pipe)
        try tooMany.wait(forOutput: "busy: 8 consoles are attached already")
        try people[3].type("z")
        for person in people {
            #expect(try person.finish() == .exited(0))
            #expect(person.output.contains("timer: got \"z\" in "))
        }
        try tooMany.finish()
    }
}
