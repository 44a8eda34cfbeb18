import Foundation
import JSONText
import MachineTesting
import Testing

/// docs/control-socket.md, hold and release: a pause that lasts no longer than the connection that asked for it.
@Suite("A machine that is held still", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct HoldTests {
    let host: RoostHost
    let machine: ChildProcess
    let client: ControlClient

    init() throws {
        (host, machine, client) = try RoostHost.withCountingMachine()
        try machine.wait(forOutput: "spin cpu=1")
    }

    private func holder() throws -> ControlClient { try ControlClient(host.file("control.sock")) }

    /// A process that holds the machine and does nothing else until it is killed.
    private func holdingProcess() throws -> ChildProcess {
        let script = """
            import socket, sys, time
            machine = socket.socket(socket.AF_UNIX)
            machine.connect(sys.argv[1])
            machine.sendall(b'{"jsonrpc":"2.0","id":1,"method":"hold"}\\n')
            print(machine.makefile().readline(), flush=True)
            time.sleep(100000)
            """
        let process = try ChildProcess("/usr/bin/python3", ["-c", script, host.file("control.sock")])
        try process.wait(forOutput: "\n")
        return process
    }

    private func expectState(
        _ state: JSONValue, holders: JSONValue, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let status = try client.ask("status")
        #expect(
            status["state"] == state && status["holders"] == holders, "\(status)",
            sourceLocation: sourceLocation)
    }

    /// The virtual CPUs execute nothing: between two looks at their registers they would have counted on.
    private func expectStill(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let first = try client.ask("registers")
        #expect(try client.ask("registers") == first, sourceLocation: sourceLocation)
    }

    /// Kills who holds the machine, which stays paused: others hold it too, or a pause was asked for.
    private func expectPaused(
        afterKilling holder: ChildProcess, holders: JSONValue,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        holder.signal(SIGKILL)
        _ = try holder.finish()
        try machine.wait(for: "\(holders) holders") { try client.ask("status")["holders"] == holders }
        try expectState("paused", holders: holders, sourceLocation: sourceLocation)
        try expectStill(sourceLocation: sourceLocation)
    }

    private func expectGoesOn(sourceLocation: SourceLocation = #_sourceLocation) throws {
        try machine.wait(for: "a machine that runs") { try client.ask("status")["state"] == "running" }
        let before = machine.output.count
        try machine.wait(for: "more output") { machine.output.count > before + 200 }
        try expectState("running", holders: 0, sourceLocation: sourceLocation)
    }

    @Test("Who holds it is killed, and the guest goes on")
    func killedHolder() throws {
        let process = try holdingProcess()
        #expect(
            process.output.text.contains(#""result":{"state":"paused","changed":true,"holders":1}"#),
            "\(process.output.text)")
        try expectState("paused", holders: 1)
        try expectStill()
        process.signal(SIGKILL)
        #expect(try process.finish() == .killed(signal: SIGKILL))
        try expectGoesOn()
    }

    @Test("Of two that hold it the last to go lets it go on, killed or not")
    func twoHolders() throws {
        let process = try holdingProcess()
        let second = try holder()
        #expect(try second.ask("hold") == ["state": "paused", "changed": false, "holders": 2])
        #expect(try second.ask("hold") == ["state": "paused", "changed": false, "holders": 2])
        try expectPaused(afterKilling: process, holders: 1)
        #expect(try second.ask("release") == ["state": "running", "changed": true, "holders": 0])
        try expectGoesOn()
    }

    @Test("A pause that was asked for outlives who holds it, whichever came first", arguments: [true, false])
    func pauseOutlivesHolder(isPausedFirst: Bool) throws {
        if isPausedFirst { #expect(try client.ask("pause")["changed"] == true) }
        let process = try holdingProcess()
        #expect(process.output.text.contains(#""changed":\#(!isPausedFirst)"#), "\(process.output.text)")
        if !isPausedFirst {
            #expect(try client.ask("pause") == ["state": "paused", "changed": true, "holders": 1])
        }
        try expectPaused(afterKilling: process, holders: 0)
        #expect(try client.ask("resume") == ["state": "running", "changed": true, "holders": 0])
        try expectGoesOn()
    }

    @Test("A resume takes back what a pause asked for, and nobody's hold")
    func resumeWhileHeld() throws {
        let looking = try holder()
        #expect(try looking.ask("hold")["changed"] == true)
        #expect(try client.ask("resume") == ["state": "paused", "changed": false, "holders": 1])
        let command = try host.command("resume", "vm")
        #expect(command.status == .exited(0) && command.output == "vm: paused as long as somebody holds it\n")
        try expectStill()
        #expect(try client.ask("pause")["changed"] == true)
        #expect(try client.ask("resume") == ["state": "paused", "changed": true, "holders": 1])
        #expect(try looking.ask("release") == ["state": "running", "changed": true, "holders": 0])
        try expectGoesOn()
    }

    @Test("A connection that ends in any way lets go: closed, half-closed, or for garbage")
    func ends() throws {
        for text in ["", "}{\n"] {
            let ending = try holder()
            #expect(try ending.ask("hold")["changed"] == true)
            try expectState("paused", holders: 1)
            if text.isEmpty { ending.endSending() } else { try ending.send(text) }
            while try ending.line() != nil {}
            try expectGoesOn()
        }
        // Closed with the value.
        #expect(try holder().ask("hold")["changed"] == true)
        try expectGoesOn()
        // All at once, and nobody there any more to be answered.
        try holder().send(#"{"jsonrpc":"2.0","method":"hold"}"# + "\n")
        try expectGoesOn()
    }

    @Test("Who does not hold it is told so, and a machine that is held can be ended")
    func notHeld() throws {
        #expect(try client.ask("release")["code"] == -32006)
        let looking = try holder()
        _ = try looking.ask("hold")
        #expect(try client.ask("release")["code"] == -32006)
        try expectState("paused", holders: 1)
        #expect(try client.ask("kill")["state"] == "ended")
        #expect(try machine.finish() == .exited(137))
        #expect(host.leftovers == [])
    }

    @Test("So many hold it and no more; none is closed for those who come, and who comes is heard")
    func bounds() throws {
        let holders = try (0..<8).map { _ in try holder() }
        for one in holders { #expect(try one.ask("hold")["state"] == "paused") }
        let refused = try holder()
        #expect(try refused.ask("hold")["code"] == -32001)
        for number in 0..<64 {
            let other = try holder()
            if number % 8 == 7 { #expect(try other.ask("status")["holders"] == 8) }
        }
        #expect(try holder().ask("status")["holders"] == 8)
        for one in holders.dropLast() { #expect(try one.ask("release")["state"] == "paused") }
        #expect(try holders[7].ask("release")["state"] == "running")
        let again = try ControlClient(host.file("control.sock"))
        #expect(try again.ask("hold")["holders"] == 1)
        #expect(try again.ask("kill")["state"] == "ended")
    }

    @Test("roost dump that dies in the middle leaves a machine that goes on")
    func dumpDies() throws {
        // The kernel kills who writes a longer file than it may.
        let core = host.directory.path + "/core"
        let dump = try ChildProcess(
            "/bin/sh",
            [
                "-c", "ulimit -c 0; ulimit -f 8; exec \"$0\" dump vm \"$1\"",
                TestHost.buildDirectory + "/roost", core,
            ],
            environment: host.environment)
        #expect(try dump.finish() == .killed(signal: SIGXFSZ))
        try expectGoesOn()
    }

    @Test("roost dump that is interrupted takes the half of its file away", arguments: [[], ["--live"]])
    func dumpIsInterrupted(flags: [String]) throws {
        // The interruption waits from before the start: it comes in the middle for sure, and ends nothing by itself.
        let script = """
            import os, signal, sys
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            os.kill(os.getpid(), signal.SIGINT)
            os.execv(sys.argv[1], sys.argv[1:])
            """
        let core = host.directory.path + "/core"
        let dump = try Finished(
            try ChildProcess(
                "/usr/bin/python3",
                ["-c", script, TestHost.buildDirectory + "/roost", "dump", "vm", core] + flags,
                environment: host.environment))
        #expect(dump.status == .exited(75) && dump.errors.contains("interrupted"), "\(dump.errors)")
        #expect(!FileManager.default.fileExists(atPath: core))
        try expectGoesOn()
    }
}
