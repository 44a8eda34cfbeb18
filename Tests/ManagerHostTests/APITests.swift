import HostSystem
import JSONText
import MachineTesting
import ManagerProtocol
import Resources
import Testing

@Suite("The API of a live manager")
struct APITests {
    private let host: ManagerHost
    private let manager: ChildProcess

    init() throws {
        host = try ManagerHost()
        manager = try host.start()
    }

    private func register(_ name: String, _ process: Int32, _ more: String = "") throws -> ManagerHost.Answer
    {
        try host.ask("PUT", "/v1/machines/\(name)", "{\"process\": \(process), \"cpus\": 2\(more)}")
    }

    private func kind(_ answer: ManagerHost.Answer) throws -> String? {
        guard case .string(let type) = try answer.json["type"] else { return nil }
        return type.split(separator: ":").last.map(String.init)
    }

    @Test("A machine is admitted, changed, explained, and forgotten on request while it does not run")
    func machine() throws {
        let process = try host.sleeper()
        #expect(try register("a", process.process).status == 201)
        #expect(try register("a", process.process, ", \"shares\": \"low\"").status == 200)
        let changed = try host.ask("PATCH", "/v1/machines/a", #"{"shares": 77}"#)
        #expect(changed.status == 200)
        #expect(try changed.json["shares"] == .integer(77))
        let reasons = try host.ask("GET", "/v1/machines/a/reasons")
        #expect(reasons.status == 200 && reasons.body.contains("sentences"))
        #expect(try host.ask("GET", "/v1/journal").body.hasSuffix("\n"))
        #expect(try host.ask("DELETE", "/v1/machines/a").status == 204)
        #expect(try host.ask("GET", "/v1/machines/a").status == 404)
    }

    @Test("What was reserved cannot be had twice: the refusal has the arithmetic, and changes nothing")
    func admission() throws {
        let (one, other) = (try host.sleeper(), try host.sleeper())
        let unreserved = try ManagerStatus(json: host.ask("GET", "/v1/status").json).unreserved
        #expect(
            try host.ask("POST", "/v1/pools", #"{"path": "small", "reservation": 0.5, "expandable": false}"#)
                .status
                == 201)
        #expect(
            try register("a", one.process, #", "pool": "small", "reservation": 0.4"#).status == 201)
        let refused = try register("b", other.process, #", "pool": "small", "reservation": 0.2"#)
        #expect(refused.status == 409)
        #expect(try kind(refused) == "admission-refused")
        for number in ["0.2", "0.1"] {
            let isThere = refused.body.contains(number)
            #expect(isThere, "\(refused.body)")
        }
        #expect(try host.ask("GET", "/v1/machines/b").status == 404)
        #expect(
            try ManagerStatus(json: host.ask("GET", "/v1/status").json).unreserved.microCPUs
                == unreserved.microCPUs - 500_000)
    }

    @Test(
        "A pool that may expand borrows from those above it what it has not reserved itself, as far as they have it"
    )
    func expandable() throws {
        let (one, other, third) = (try host.sleeper(), try host.sleeper(), try host.sleeper())
        let unreserved = try ManagerStatus(json: host.ask("GET", "/v1/status").json).unreserved
        #expect(try host.ask("POST", "/v1/pools", #"{"path": "small", "reservation": 0.5}"#).status == 201)
        #expect(
            try register("a", one.process, #", "pool": "small", "reservation": 0.4"#).status == 201)
        #expect(
            try register("b", other.process, #", "pool": "small", "reservation": 0.2"#).status == 201)
        #expect(
            try ManagerStatus(json: host.ask("GET", "/v1/status").json).unreserved.microCPUs
                == unreserved.microCPUs - 600_000)
        let refused = try register(
            "c", third.process, #", "pool": "small", "reservation": \#(Double(unreserved.microCPUs) / 1e6)"#)
        #expect(refused.status == 409)
        #expect(try kind(refused) == "admission-refused")
    }

    @Test("Processes that are no machines are refused: the first one, the manager, none, another machine's")
    func processes() throws {
        let process = try host.sleeper()
        #expect(try register("a", process.process).status == 201)
        let taken = try register("b", process.process)
        #expect(taken.status == 409 && taken.body.contains("'a'"))
        for number in [1, manager.process, 2_000_000_000] {
            #expect(try register("c", number).status == 422, "process \(number)")
        }
        #expect(try host.ask("GET", "/v1/machines").json["machines"] != .array([]))
    }

    @Test("A method that an address does not have is answered with those it has")
    func methods() throws {
        for (method, path, allowed) in [
            ("POST", "/v1/status", "GET"), ("DELETE", "/v1/pools", "GET, POST"),
            ("TRACE", "/v1/machines/a", "GET, PUT, PATCH, DELETE"),
        ] {
            let answer = try host.ask(method, path)
            #expect(answer.status == 405 && answer.head.contains("Allow: \(allowed)"), "\(answer)")
            #expect(try kind(answer) == "method-not-allowed")
        }
    }

    @Test("A body that is too long is refused, and others are served")
    func oversized() throws {
        let answer = try host.ask("PUT", "/v1/machines/a", String(repeating: " ", count: 100_000))
        #expect(answer.status == 413)
        #expect(try kind(answer) == "too-large")
        #expect(try host.ask("GET", "/v1/status").status == 200)
    }

    @Test(
        "What is no request of this API is refused and does no harm",
        arguments: [
            "{", "[]", "7", #"{"process": 1e99, "cpus": 1}"#, "\u{0}",
            #"{"process": 1, "process": 2, "cpus": 1}"#,
            String(repeating: "[", count: 60_000),
        ])
    func garbage(body: String) throws {
        let answer = try host.ask("PUT", "/v1/machines/a", body)
        #expect([400, 422].contains(answer.status), "\(answer)")
        #expect(try kind(answer) != nil)
    }

    @Test("Who sends no HTTP is told so, and the connection ends")
    func noHTTP() throws {
        let connection = try RawConnection(host.socket)
        try connection.send("\u{1}\u{2} what is this\r\n\r\n")
        #expect(try connection.answer().status == 400)
        try connection.waitForEnd()
        #expect(try host.ask("GET", "/v1/status").status == 200)
    }

    @Test("Requests that are sent at once are answered in order")
    func pipelined() throws {
        let connection = try RawConnection(host.socket)
        try connection.send(
            (0..<100).map { "GET /v1/machines/m\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
        for number in 0..<100 {
            let answer = try connection.answer()
            #expect(answer.status == 404 && answer.body.contains("'m\(number)'"), "\(answer)")
        }
    }

    @Test("Half a request, or one that comes slowly, holds nobody up")
    func slow() throws {
        var halves: [RawConnection] = []
        for _ in 0..<20 {
            let half = try RawConnection(host.socket)
            try half.send("PUT /v1/machines/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            halves.append(half)
        }
        #expect(try host.ask("GET", "/v1/status").status == 200)
        let slow = try RawConnection(host.socket)
        for byte in "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n" {
            try slow.send(String(byte))
            _ = try host.ask("GET", "/v1/pools")
        }
        #expect(try slow.answer().status == 200)
        halves.removeAll()
        #expect(try host.ask("GET", "/v1/status").status == 200)
    }

    @Test("Who does not read what was asked for holds nobody up")
    func deaf() throws {
        let process = try host.sleeper()
        #expect(try register("a", process.process).status == 201)
        let deaf = try RawConnection(host.socket)
        try deaf.send(String(repeating: "GET /v1/journal HTTP/1.1\r\nHost: x\r\n\r\n", count: 200))
        for _ in 0..<50 { #expect(try host.ask("GET", "/v1/status").status == 200) }
    }

    @Test("Who asks for much and reads nothing of it is cut off, and meanwhile others are served")
    func deafAndGreedy() throws {
        var deaf: [RawConnection] = []
        for path in ["/v1/status", "/v1/status", "/v1/journal", "/v1/machines"] {
            let connection = try RawConnection(host.socket)
            let requests = String(repeating: "GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n", count: 100)
            // Until the manager takes no more, because nobody takes what it answers.
            while try connection.sendNow(requests, within: 1000) {}
            deaf.append(connection)
        }
        for _ in 0..<50 { #expect(try host.ask("GET", "/v1/status").status == 200) }
        for connection in deaf { try connection.waitForHangup() }
    }

    @Test("The journal is sent whole, however long it is, and every decision in it can be made anew")
    func journal() throws {
        for number in 0..<40 {
            #expect(
                try host.ask(
                    "POST", "/v1/pools", "{\"path\": \"\(String(repeating: "p", count: 60))\(number)\"}"
                )
                .status == 201)
        }
        var replay = Replay()
        let lines = try host.ask("GET", "/v1/journal").body.split(separator: "\n")
        for line in lines { try replay.take(try JournalRecord(line: String(line))) }
        #expect(replay.repeated >= 40)
    }

    @Test("A client has so many connections and no more; when one is gone there is room")
    func connections() throws {
        var connections = try (0..<64).map { _ in try RawConnection(host.socket) }
        for connection in connections {
            try connection.send("GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try connection.answer().status == 200)
        }
        for _ in 0..<20 {
            let more = try RawConnection(host.socket)
            try more.waitForEnd()
        }
        connections.removeLast(2)
        try host.until("there is room again") { (try? host.ask("GET", "/v1/status").status) == 200 }
        #expect(try host.ask("GET", "/v1/status").json["process"] == .integer(Int64(manager.process)))
    }
}
