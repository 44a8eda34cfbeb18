import Foundation
import JSONText
import MachineTesting
import Stats
import Testing

/// docs/control-socket.md: what can be asked, and that nobody who asks harms anybody.
@Suite("Control socket", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct ControlSocketTests {
    let host: RoostHost
    let machine: ChildProcess
    let client: ControlClient

    init() throws {
        (host, machine, client) = try RoostHost.withCountingMachine()
    }

    /// The guest goes on, another client is served, and the end is as wished.
    private func expectUnharmed(sourceLocation: SourceLocation = #_sourceLocation) throws {
        let before = machine.output.count
        try machine.wait(for: "more output") { machine.output.count > before + 200 }
        let other = try ControlClient(host.file("control.sock"))
        #expect(try other.ask("status")["state"] == "running", sourceLocation: sourceLocation)
        #expect(try other.ask("kill")["state"] == "ended", sourceLocation: sourceLocation)
        #expect(try machine.finish() == .exited(137), sourceLocation: sourceLocation)
        #expect(
            machine.errors.text == "roost: vm: warning: stopped by roost kill\n",
            sourceLocation: sourceLocation)
        #expect(host.leftovers == [], sourceLocation: sourceLocation)
    }

    /// A client whose request to be told the end has been seen.
    private func waitingClient(id: JSONValue) throws -> ControlClient {
        let waiter = try ControlClient(host.file("control.sock"))
        let lines = ["version", "wait"].map {
            #"{"jsonrpc":"2.0","id":\#(id.text()),"method":"\#($0)"}"# + "\n"
        }
        // Two lines that come together are looked at together, and answered then.
        try waiter.send(lines.joined())
        #expect(try waiter.line()?.contains("roost") == true)
        return waiter
    }

    @Test("It is its owner's alone")
    func mode() throws {
        let attributes = try FileManager.default.attributesOfItem(atPath: host.file("control.sock"))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        try expectUnharmed()
    }

    @Test("The status tells what runs")
    func status() throws {
        let status = try client.ask("status")
        #expect(status["name"] == "vm" && status["pid"] == JSONValue(machine.process))
        #expect(
            status["state"] == "running" && status["cpus"] == 2
                && status["memoryBytes"] == JSONValue(64 << 20))
        #expect(status["kernel"] == .string(try TestHost.guest("spin")) && status["end"] == .null)
        guard case .array(let devices) = status["devices"] else { throw TestFailure("no devices") }
        #expect(devices.contains { $0["id"] == "serial0" && $0["kind"] == "serial" })
        #expect(try client.ask("version")["protocol"] == 1)
        try expectUnharmed()
    }

    @Test("A paused guest stands still, its registers too; resumed it goes on")
    func pause() throws {
        try machine.wait(forOutput: "spin cpu=1")
        #expect(try client.ask("pause") == ["state": "paused", "changed": true, "holders": 0])
        #expect(try client.ask("pause") == ["state": "paused", "changed": false, "holders": 0])
        #expect(try client.ask("status")["state"] == "paused")
        let first = try client.ask("registers")
        let second = try client.ask("registers")
        guard case .array(let cpus) = first["cpus"], cpus.count == 2 else { throw TestFailure("\(first)") }
        #expect(first == second && cpus[1]["cpu"] == 1)
        for name in ["rip", "rsp", "cr3", "efer"] {
            guard case .string(let value) = cpus[0][name] else { throw TestFailure("no \(name)") }
            #expect(value.hasPrefix("0x"))
        }
        #expect(try client.ask("resume") == ["state": "running", "changed": true, "holders": 0])
        #expect(try client.ask("resume") == ["state": "running", "changed": false, "holders": 0])
        try machine.wait(for: "other registers") { try client.ask("registers") != second }
        #expect(try client.ask("status")["state"] == "running")
        try expectUnharmed()
    }

    @Test("What a machine or device does not have is said")
    func notSupported() throws {
        #expect(try client.ask("balloon")["code"] == -32004)
        #expect(try client.ask("balloon", ["targetBytes": 4096])["code"] == -32004)
        #expect(try client.ask("setLimits", ["device": "serial0", "bytesPerSecond": 1])["code"] == -32004)
        let unknown = try client.ask("setLimits", ["device": "disk9", "bytesPerSecond": 1])
        #expect(unknown["code"] == -32003)
        #expect(unknown["message"]?.text().contains("serial0") == true)
        try expectUnharmed()
    }

    @Test("A guest that does not listen is stopped, and who waits is told how and when")
    func stop() throws {
        let waiter = try waitingClient(id: "w")
        #expect(try client.ask("stop", ["graceSeconds": 5])["state"] == "ended")
        let reply = try JSONValue(text: try #require(try waiter.line()))
        #expect(reply["id"] == "w" && reply["result"]?["exitCode"] == 143)
        #expect(reply["result"]?["reason"] == "stopped by roost stop")
        #expect(try waiter.line() == nil)
        #expect(host.leftovers == [])
        #expect(try machine.finish() == .exited(143))
    }

    @Test("A notification is carried out and not answered")
    func notification() throws {
        try client.send(#"{"jsonrpc":"2.0","method":"pause"}"# + "\n")
        #expect(try client.ask("status")["state"] == "paused")
        _ = try client.ask("resume")
        try expectUnharmed()
    }

    @Test(
        "Garbage is answered with an error, and the connection closed",
        arguments: ["\u{0}\u{1}\u{2}\n", "GET / HTTP/1.1\r\n\r\n", "}{\n", "\"\\ud800\"\n", "\u{FEFF}{}\n"])
    func garbage(text: String) throws {
        let bad = try ControlClient(host.file("control.sock"))
        try bad.send(text)
        #expect(try bad.errorCode() == -32700)
        #expect(try bad.line() == nil)
        try expectUnharmed()
    }

    @Test("Random bytes do no harm")
    func noise() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let bad = try ControlClient(host.file("control.sock"))
            // No JSON begins with 0xFF; chance may well write a line such as "7".
            let bytes = (0..<2000).map { _ in UInt8.random(in: 0...255, using: &random) }
            try bad.send([0xFF] + bytes + [10])
            #expect(try bad.errorCode() == -32700)
        }
        try expectUnharmed()
    }

    @Test("Requests that are wrong but JSON are answered, and the connection goes on")
    func wrongRequests() throws {
        for (text, code) in [("[]", -32600), ("7", -32600), ("{}", -32600)] as [(String, JSONValue)] {
            try client.send(text + "\n")
            #expect(try client.errorCode() == code)
        }
        #expect(try client.ask("nope")["code"] == -32601)
        #expect(try client.ask("stop", ["graceSeconds": "soon"])["code"] == -32602)
        // For people who type.
        try client.send("\n\r\n")
        #expect(try client.ask("status")["state"] == "running")
        try expectUnharmed()
    }

    @Test("A line of a mebibyte, with and without an end, is refused", arguments: ["\n", ""])
    func giant(end: String) throws {
        let bad = try ControlClient(host.file("control.sock"))
        try bad.send(
            #"{"jsonrpc":"2.0","id":1,"method":""# + String(repeating: "x", count: 1 << 20) + "\"}" + end)
        #expect(try bad.errorCode() == -32005)
        #expect(try bad.line() == nil)
        try expectUnharmed()
    }

    @Test("The longest line that is allowed is taken")
    func longest() throws {
        let start = #"{"jsonrpc":"2.0","id":1,"method":"status","x":""#
        try client.send(start + String(repeating: "x", count: 65536 - start.utf8.count - 2) + "\"}\n")
        let reply = try JSONValue(text: try #require(try client.line()))
        #expect(reply["result"]?["state"] == "running")
        try expectUnharmed()
    }

    @Test("Who sends byte by byte is served, and others meanwhile")
    func slowWriter() throws {
        let slow = try ControlClient(host.file("control.sock"))
        for byte in #"{"jsonrpc":"2.0","id":1,"method":"status"}"#.utf8 {
            try slow.send([byte])
            #expect(try client.ask("version")["protocol"] == 1)
        }
        try slow.send("\n")
        let reply = try JSONValue(text: try #require(try slow.line()))
        #expect(reply["result"]?["name"] == "vm")
        try expectUnharmed()
    }

    @Test("Who never reads is held up after a bounded amount, and nobody else")
    func noReader() throws {
        let deaf = try ControlClient(host.file("control.sock"))
        let request = #"{"jsonrpc":"2.0","id":1,"method":"status"}"# + "\n"
        let many = Array(String(repeating: request, count: 500).utf8)
        // Both directions' buffers and the machine's own bound: far less than would be sent.
        #expect(try deaf.sendUntilFull(many, limit: 64 << 20) < 8 << 20)
        #expect(try client.ask("status")["state"] == "running")
        try expectUnharmed()
    }

    @Test("Thousands of requests at once are all answered, in order")
    func pipelining() throws {
        let count = 2000
        let text = (0..<count).map { #"{"jsonrpc":"2.0","id":\#($0),"method":"version"}"# + "\n" }.joined()
        let bytes = Array(text.utf8)
        // The answers are read meanwhile, or both sides would wait.
        var sent = 0
        for id in 0..<count {
            let next = min(bytes.count, (id + 100) * bytes.count / count)
            if next > sent { try client.send(Array(bytes[sent..<next])) }
            sent = max(sent, next)
            let reply = try JSONValue(text: try #require(try client.line()))
            #expect(reply["id"] == JSONValue(id))
        }
        try expectUnharmed()
    }

    @Test("Requests are counted, and no more of a connection wait than may")
    func counting() throws {
        let request = #"{"jsonrpc":"2.0","id":1,"method":"version"}"# + "\n"
        try client.send(String(repeating: request, count: 200))
        for _ in 0..<200 { #expect(try client.line() != nil) }
        var page = try StatsReader(host.file("stats"))
        let control = try #require(try page.snapshot()["control"])
        #expect(control["arrivals"] == 200 && control["completions"] == 200 && control["refusals"] == 0)
        // They came together, or nearly: all that may have waited.
        #expect(control["queue-peak"] == 16 && control["waiting"] == 200 && control["service"] == 200)
        try expectUnharmed()
    }

    @Test("Of 200 connections the latest are served, and the machine goes on")
    func manyConnections() throws {
        var clients: [ControlClient] = []
        for number in 0..<200 {
            clients.append(try ControlClient(host.file("control.sock")))
            // So that none waits in the queue of those who are not let in yet.
            if number % 8 == 7 { #expect(try clients[number].ask("status")["state"] == "running") }
        }
        #expect(try clients[0].errorCode() == -32001)
        #expect(try clients[0].line() == nil)
        for latest in clients.suffix(16) { #expect(try latest.ask("status")["state"] == "running") }
        try expectUnharmed()
    }

    @Test("So many may wait for the end, and no more; a kill still comes through")
    func manyWaiters() throws {
        let waiters = try (0..<16).map { try waitingClient(id: JSONValue($0)) }
        #expect(try client.ask("wait")["code"] == -32001)
        _ = try client.ask("kill")
        for waiter in waiters {
            let reply = try JSONValue(text: try #require(try waiter.line()))
            #expect(reply["result"]?["exitCode"] == 137)
        }
        #expect(try machine.finish() == .exited(137))
    }

    @Test("Who has sent all it will, is answered all the same")
    func halfClosed() throws {
        let half = try ControlClient(host.file("control.sock"))
        try half.send(#"{"jsonrpc":"2.0","id":1,"method":"status"}"# + "\n" + #"{"jsonrpc":"2.0","id":2"#)
        half.endSending()
        let reply = try JSONValue(text: try #require(try half.line()))
        #expect(reply["result"]?["name"] == "vm")
        #expect(try half.line() == nil)
        try expectUnharmed()
    }

    @Test("Clients that are killed in the middle of anything do no harm")
    func killedClients() throws {
        let path = host.file("control.sock")
        let start = #"{"jsonrpc":"2.0","id":1,"method":"#
        for text in [start, start + "\"wait\"}\n", start + "\"registers\"}\n" + start, ""] {
            for _ in 0..<20 {
                let dying = try ControlClient(path)
                try dying.send(text)
            }
        }
        try expectUnharmed()
    }
}
