import JSONText
import Testing

@testable import ControlProtocol

private func line(_ text: String) -> [UInt8] { Array(text.utf8) }

/// What a machine would answer to a line that is no good; nil if it is good or gets no answer.
private func refusal(_ text: String) -> JSONValue? {
    do {
        _ = try ControlRequest(line: line(text))
        return nil
    } catch {
        guard let reply = error.reply else { return nil }
        // Through the text, as a client sees it.
        return try? JSONValue(text: reply.line)
    }
}

@Suite("Requests and replies")
struct RequestTests {
    @Test(
        "Every call is read back from its line",
        arguments: [
            .version, .status, .pause, .resume, .hold, .release, .kill, .wait, .registers,
            .stop(graceSeconds: nil),
            .stop(graceSeconds: 0), .stop(graceSeconds: 3600), .balloon(targetBytes: nil),
            .balloon(targetBytes: 0), .balloon(targetBytes: .max),
            .setLimits(device: "disk0", LimitChange(bytesPerSecond: 1)),
            .setLimits(
                device: "é\n",
                LimitChange(bytesPerSecond: 0, operationsPerSecond: 2, burstBytes: .max, burstOperations: 4)),
        ] as [ControlCall])
    func roundTrip(call: ControlCall) throws {
        for id in [.integer(7), .string("x"), .null, nil] as [JSONValue?] {
            let request = ControlRequest(id: id, call)
            let bytes = request.line
            #expect(bytes.last == UInt8(ascii: "\n") && bytes.count(where: { $0 == UInt8(ascii: "\n") }) == 1)
            #expect(try ControlRequest(line: bytes.dropLast()) == request)
            #expect(ControlCall.methods.contains(call.method))
        }
    }

    @Test(
        "What is not JSON is a parse error, with id null",
        arguments: [
            "", "{", "x", "\u{0}\u{1}\u{2}", #"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#,
            #"{"jsonrpc":"2.0","id":1,"method":"status"} {}"#, #"{"jsonrpc":"2.0","id":1,"id":2}"#,
            String(repeating: "[", count: 70),
            #"[{"jsonrpc":"2.0","method":"status","id":"1"},{"jsonrpc":"2.0","method""#,
        ])
    func parseErrors(text: String) {
        let reply = refusal(text)
        #expect(reply?["error"]?["code"] == -32700 && reply?["id"] == .null && reply?["jsonrpc"] == "2.0")
    }

    @Test("Bytes that are no text are a parse error")
    func binary() {
        #expect(throws: RefusedRequest.self) { try ControlRequest(line: [0x22, 0xFF, 0xFE, 0x22]) }
    }

    @Test(
        "JSON that is no request is an invalid request",
        arguments: [
            ("1", .null), ("null", .null), ("\"status\"", .null), ("{}", .null), ("[]", .null),
            ("[1,2,3]", .null),
            (#"[{"jsonrpc":"2.0","method":"status","id":1}]"#, .null),
            (#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#, .null),
            (#"{"jsonrpc":"2.0","id":5}"#, 5), (#"{"id":5,"method":"status"}"#, 5),
            (#"{"jsonrpc":"1.0","id":5,"method":"status"}"#, 5),
            (#"{"jsonrpc":2.0,"id":5,"method":"status"}"#, 5),
            (#"{"jsonrpc":"2.0","id":"a","method":null}"#, "a"),
            (#"{"jsonrpc":"2.0","id":5,"method":"status","params":7}"#, 5),
            (#"{"jsonrpc":"2.0","id":5,"method":"status","params":null}"#, 5),
            (#"{"jsonrpc":"2.0","id":{},"method":"status"}"#, .null),
            (#"{"jsonrpc":"2.0","id":[1],"method":"status"}"#, .null),
            (#"{"jsonrpc":"2.0","id":true,"method":"status"}"#, .null),
        ] as [(String, JSONValue)])
    func invalidRequests(text: String, id: JSONValue) {
        let reply = refusal(text)
        #expect(reply?["error"]?["code"] == -32600 && reply?["id"] == id)
    }

    @Test("A batch is told how to do without")
    func batch() throws {
        guard case .string(let message) = refusal("[1]")?["error"]?["message"] else {
            Issue.record("no message")
            return
        }
        #expect(message.contains("line of its own"))
    }

    @Test("A method that does not exist is named", arguments: ["", "statuss", "Status", "rpc.x", "a\u{1B}b"])
    func unknownMethods(method: String) {
        let reply = refusal(#"{"jsonrpc":"2.0","id":1,"method":\#(JSONValue.string(method).text())}"#)
        #expect(reply?["error"]?["code"] == -32601 && reply?["id"] == 1)
    }

    @Test(
        "Parameters that are not the method's are refused",
        arguments: [
            ("status", #"{"x":1}"#), ("pause", "[1]"), ("hold", #"{"seconds":1}"#), ("stop", "[5]"),
            ("stop", #"{"grace":5}"#),
            ("stop", #"{"graceSeconds":-1}"#), ("stop", #"{"graceSeconds":3601}"#),
            ("stop", #"{"graceSeconds":1.5}"#),
            ("stop", #"{"graceSeconds":"5"}"#), ("stop", #"{"graceSeconds":null}"#),
            ("balloon", #"{"targetBytes":-1}"#),
            ("balloon", #"{"targetBytes":1e3}"#), ("setLimits", "{}"), ("setLimits", #"{"device":"d"}"#),
            ("setLimits", #"{"device":7,"burstBytes":1}"#), ("setLimits", #"{"bytesPerSecond":1}"#),
            ("setLimits", #"{"device":"d","bytesPerSecond":"1"}"#),
        ])
    func invalidParameters(method: String, parameters: String) {
        let reply = refusal(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":\#(parameters)}"#)
        #expect(reply?["error"]?["code"] == -32602 && reply?["id"] == 1)
    }

    @Test("A notification gets no answer, not even when it is wrong")
    func notifications() throws {
        #expect(try ControlRequest(line: line(#"{"jsonrpc":"2.0","method":"pause"}"#)).id == nil)
        for text in [
            #"{"jsonrpc":"2.0","method":"nope"}"#, #"{"jsonrpc":"2.0","method":"stop","params":{"x":1}}"#,
        ] {
            let error = #expect(throws: RefusedRequest.self) { try ControlRequest(line: line(text)) }
            #expect(error?.reply == nil)
        }
    }

    @Test("No parameters, empty ones and an empty array are the same")
    func emptyParameters() throws {
        for parameters in ["", #","params":{}"#, #","params":[]"#] {
            let text = #"{"jsonrpc":"2.0","id":1,"method":"status"\#(parameters)}"#
            #expect(try ControlRequest(line: line(text)).call == .status)
        }
    }

    @Test("Replies are read back from their lines")
    func replies() throws {
        for reply in [
            ControlReply(id: 1, .success(["state": "running"])), ControlReply(id: .null, .success(.null)),
            ControlReply(id: "x", .failure(ControlError(.noSuchDevice, "no\nsuch"))),
        ] {
            #expect(reply.line.count(where: { $0 == UInt8(ascii: "\n") }) == 1)
            #expect(try ControlReply(line: reply.line.dropLast()) == reply)
        }
        for wrong in [
            "", "[]", "{}", #"{"error":{}}"#, #"{"error":{"code":"x","message":"m"}}"#, #"{"error":7}"#,
        ] {
            #expect(throws: ControlError.self) { try ControlReply(line: line(wrong)) }
        }
        let unknown = try ControlReply(
            line: line(#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"m"}}"#))
        #expect(unknown.outcome == .failure(ControlError(.internalError, "m")))
    }

    @Test("Results are read back, and one that lacks something is refused")
    func results() throws {
        let status = MachineStatus(
            name: "vm", process: 7, state: .paused, uptimeMilliseconds: 5, cpus: 2, memoryBytes: 1 << 40,
            kernel: "k", holders: 3, end: nil,
            devices: [DeviceStatus(id: "disk0", kind: "block", fields: [JSONMember("readBytes", 5)])])
        #expect(try MachineStatus(json: status.json) == status)
        let balloon = BalloonStatus(
            targetBytes: 1, actualBytes: .max, statistics: [JSONMember("freeBytes", 9)])
        #expect(try BalloonStatus(json: balloon.json) == balloon)
        let change = StateChange(.stopping, isChanged: true, holders: 8)
        #expect(try StateChange(json: change.json) == change)
        // As a machine answers that knows no holding.
        #expect(
            try StateChange(json: ["state": "paused", "changed": true])
                == StateChange(.paused, isChanged: true))
        let end = EndReport(reason: "r", exitCode: 255)
        #expect(try EndReport(json: end.json) == end)
        for wrong in [.null, [:], ["state": "asleep", "changed": true], ["state": "running"]] as [JSONValue] {
            #expect(throws: ControlError.self) { try StateChange(json: wrong) }
            #expect(throws: ControlError.self) { try MachineStatus(json: wrong) }
            #expect(throws: ControlError.self) { try BalloonStatus(json: wrong) }
        }
        #expect(throws: ControlError.self) { try EndReport(json: ["reason": "r", "exitCode": 256]) }
    }
}

@Suite("Cutting lines")
struct LineCutterTests {
    @Test("Lines come out whole however they come in", arguments: [1, 2, 3, 100])
    func pieces(size: Int) throws {
        let text = line("one\n\nthree and more\nrest")
        var cutter = LineCutter(limit: 20)
        var lines: [String] = []
        for start in stride(from: 0, to: text.count, by: size) {
            cutter.append(Array(text[start..<min(text.count, start + size)]))
            while let next = try cutter.next() { lines.append(String(decoding: next, as: UTF8.self)) }
        }
        #expect(lines == ["one", "", "three and more"] && !cutter.isEmpty)
        cutter.append(line("\n"))
        #expect(try cutter.next() == line("rest"))
        #expect(try cutter.next() == nil)
        #expect(cutter.isEmpty)
    }

    @Test("A line as long as the limit is taken, one byte more is refused before its end has come")
    func limit() throws {
        var cutter = LineCutter(limit: 8)
        cutter.append(line("12345678\n"))
        #expect(try cutter.next()?.count == 8)
        cutter.append(line("12345678"))
        #expect(try cutter.next() == nil)
        #expect(cutter.room == 1)
        cutter.append(line("9"))
        #expect(cutter.room == 0)
        #expect(throws: ControlError.self) { try cutter.next() }
    }
}

@Suite("The escape key")
struct EscapeFilterTests {
    @Test("d detaches, as do Control and d; other letters do what they did")
    func commands() {
        var filter = EscapeFilter(key: 1)
        var commands: [EscapeFilter.Command] = []
        let typed = filter.filter(line("a\u{1}d\u{1}\u{4}\u{1}x\u{1}s\u{1}?\u{1}\u{1}b\u{1}")) {
            commands.append($0)
        }
        #expect(typed == line("a\u{1}b"))
        #expect(commands == [.detach, .detach, .quit, .tellSize, .menu])
        #expect(EscapeFilter.menu(key: "ctrl-a", isAttached: true).contains("d: detach"))
        #expect(!EscapeFilter.menu(key: "ctrl-a").contains("detach"))
    }
}
