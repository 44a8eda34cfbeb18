import Foundation
import MachineTesting
import Testing

/// How a machine is stopped from outside.
@Suite("Signals", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct SignalTests {
    let host: RoostHost

    init() throws {
        host = try RoostHost()
    }

    private static let names: [Int32: String] = [SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGTERM: "SIGTERM"]

    @Test(
        "A guest that does not listen to the power button is stopped at once",
        arguments: [SIGINT, SIGTERM, SIGHUP], ["kind=loop", "kind=halt"])
    func deafGuest(number: Int32, commandLine: String) throws {
        let machine = try host.boot("fault", commandLine, ["--cpus", "2", "--grace", "3600"])
        if commandLine == "kind=loop" {
            try machine.wait(forOutput: "looping")
        } else {
            try machine.waitUntilHalted()
        }
        machine.signal(number)
        let run = try Finished(machine)
        #expect(run.status == .exited(128 + number))
        #expect(run.errors == "roost: vm: warning: stopped by \(Self.names[number] ?? "?")\n")
        #expect(host.leftovers == [])
    }

    @Test("A signal at any moment of the start ends it, and leaves nothing", arguments: 0..<40)
    func duringStart(moment: Int) throws {
        let machine = try host.boot("fault", "kind=loop", ["--cpus", "4"])
        // No wait for an event: the moments are those that a busy loop of growing length hits.
        var spins = moment * moment * 2000
        while spins > 0 { spins -= 1 }
        machine.signal(SIGTERM)
        let run = try Finished(machine)
        #expect([.exited(143), .killed(signal: SIGTERM)].contains(run.status))
        if run.status == .exited(143) { #expect(run.errors == "roost: vm: warning: stopped by SIGTERM\n") }
        #expect(host.leftovers == [])
    }

    @Test("Two machines are independent")
    func twoMachines() throws {
        let one = try host.boot("fault", "kind=loop", ["--name", "one"])
        let two = try host.boot("timer", "ticks=1 echo=1", ["--name", "two"], input: .pipe)
        try one.wait(forOutput: "looping")
        try two.wait(forOutput: "timer: type 1 bytes")
        #expect(host.leftovers == ["one", "two"])
        one.signal(SIGTERM)
        #expect(try one.finish() == .exited(143))
        #expect(host.leftovers == ["two"])
        try two.type("z")
        #expect(try two.finish() == .exited(0))
        #expect(two.output.contains("got \"z\"") && host.leftovers == [])
    }

    @Test("A name in use is refused, and the machine that has it is not disturbed")
    func nameInUse() throws {
        let first = try host.boot("timer", "ticks=1 echo=1", input: .pipe)
        try first.wait(forOutput: "timer: type 1 bytes")
        _ = try host.client(of: first)
        let before = host.directory.contents(of: "run/vm")
        let second = try Finished(try host.boot("hello"))
        let directory = host.directory.path + "/run/vm"
        #expect(
            second.errors
                == "roost: vm: error: a machine named vm is running (\(directory) is locked); choose another --name\n"
        )
        #expect(second.output == "" && second.status == .exited(75))
        #expect(host.directory.contents(of: "run/vm") == before)
        try first.type("z")
        #expect(try first.finish() == .exited(0))
        #expect(host.leftovers == [])
    }

    @Test("What a killed machine leaves is taken over by the next of its name")
    func killed() throws {
        let first = try host.boot("fault", "kind=loop", ["--console", "pty"])
        try first.wait(forErrors: "the console is at")
        _ = try host.client(of: first)
        first.signal(SIGKILL)
        #expect(try first.finish() == .killed(signal: SIGKILL))
        #expect(
            host.directory.contents(of: "run/vm") == [
                "console", "control.sock", "lock", "spec.json", "stats",
            ])
        let second = try host.run("hello", "code=5")
        #expect(
            second.output.hasPrefix("hello from ring 3\n") && second.errors == ""
                && second.status == .exited(5))
    }

    @Test("The run directory shows the machine while it runs, to its owner only")
    func runDirectory() throws {
        let machine = try host.boot("fault", "kind=loop", ["--memory", "72M"])
        try machine.wait(forOutput: "looping")
        _ = try host.client(of: machine)
        #expect(host.directory.contents(of: "run/vm") == ["control.sock", "lock", "spec.json", "stats"])
        let text = try host.directory.read("run/vm/spec.json").text.filter { $0 != " " }
        #expect(text.contains("\"name\":\"vm\"") && text.contains("\"memory\":\"72M\""))
        for path in ["run", "run/vm"] {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: "\(host.directory.path)/\(path)")
            #expect(attributes[.posixPermissions] as? Int == 0o700)
        }
        machine.signal(SIGTERM)
        #expect(try machine.finish() == .exited(143))
        #expect(host.leftovers == [])
    }

    @Test("Machines that fight for one name end well, and one at a time has it")
    func raceForName() throws {
        for _ in 0..<5 {
            let machines = try (0..<4).map { _ in try host.boot("first", "") }
            let results = try machines.map { try Finished($0) }
            for result in results {
                let isWinner = result.status == .exited(0) && result.output == "!" && result.errors == ""
                let isLoser =
                    result.status == .exited(75) && result.output == "" && result.errorLines.count == 1
                #expect(isWinner || isLoser, "\(result)")
            }
            #expect(results.contains { $0.status == .exited(0) })
            #expect(host.leftovers == [])
        }
    }
}

extension ChildProcess {
    /// Waits until the first virtual CPU's thread sleeps in the kernel: the guest halts.
    func waitUntilHalted() throws {
        try wait(for: "a halted guest") {
            let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
            return tasks.contains { task in
                guard
                    let text = try? String(
                        contentsOfFile: "/proc/\(process)/task/\(task)/stat", encoding: .utf8)
                else { return false }
                // It has run for a while (utime and stime are fields 14 and 15) and now sleeps.
                return text.contains("(vcpu0) S")
            }
        }
    }
}
