import Foundation
import HostSystem
import MachineTesting
import Specification
import Testing

@testable import Machine

/// Everybody's ends of a console to attach to, without a machine behind it.
@Suite("Console hub")
struct ConsoleHubTests {
    let directory: TemporaryDirectory
    let spec: MachineSpec
    let log = MachineLog(name: "vm", level: .error)

    init() throws {
        directory = try TemporaryDirectory()
        var spec = MachineSpec(name: "vm", kernel: "k")
        spec.runDirectory = directory.path
        self.spec = spec
    }

    private func connect() throws -> OwnedDescriptor {
        try LocalSocket.connect(to: directory.path + "/vm/console.sock")
    }

    /// What one that is attached has received so far.
    private func read(_ descriptor: borrowing OwnedDescriptor) throws -> [UInt8] {
        var all: [UInt8] = []
        while let more = try DescriptorIO.read(descriptor.number, limit: 65536), !more.isEmpty { all += more }
        return all
    }

    /// One round of the main thread.
    private func serve(_ hub: inout ConsoleHub, canTakeInput: Bool = true) throws -> [UInt8] {
        var events = PollSet()
        hub.declareInterest(in: &events, canTakeInput: canTakeInput)
        try events.wait(timeoutMilliseconds: 0)
        return hub.serve(events, canTakeInput: canTakeInput)
    }

    @Test("Who does not read loses output and is told how much; who reads gets every byte")
    func deafReader() throws {
        var place = try RunDirectory.claim(for: spec, text: [])
        var hub = try ConsoleHub(in: &place)
        let deaf = try connect()
        let reader = try connect()
        _ = try serve(&hub)
        var received: [UInt8] = []
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 1024)
        for _ in 0..<4096 {
            #expect(hub.take(chunk[...], log) == 0)
            received += try read(reader)
        }
        #expect(received.count == 4 << 20)
        var late = try read(deaf)
        // Reading made room: the rest comes with what is served next.
        for _ in 0..<100 {
            _ = try serve(&hub)
            late += try read(deaf)
        }
        let text = String(decoding: late, as: UTF8.self)
        let match = try #require(
            text.firstMatch(of: /\r\nroost: ([0-9]+) bytes of output left out, which were not read\r\n/))
        let lost = try #require(Int(match.1))
        #expect(late.count(where: { $0 == UInt8(ascii: "x") }) + lost == 4 << 20 && lost > 1 << 20)
        // The log is whole as far as it is kept.
        let sizes = try ["console.log", "console.log.1"].map { try directory.read("vm/\($0)").count }
        #expect(sizes[1] == 1 << 20 && (1...1 << 20).contains(sizes[0]))
    }

    @Test("Who comes late sees the last lines, from a line's start")
    func greeting() throws {
        var place = try RunDirectory.claim(for: spec, text: [])
        var hub = try ConsoleHub(in: &place)
        let lines = (0..<1000).map { "line \($0)\n" }
        _ = hub.take(Array(lines.joined().utf8)[...], log)
        let late = try connect()
        _ = try serve(&hub)
        let text = String(decoding: try read(late), as: UTF8.self)
        #expect(
            text.hasPrefix("line ") && text.hasSuffix("line 999\n") && (4000...4096).contains(text.utf8.count)
        )
    }

    @Test("What is typed is taken when there is room, from all in turn; who has gone is forgotten")
    func typing() throws {
        var place = try RunDirectory.claim(for: spec, text: [])
        var hub = try ConsoleHub(in: &place)
        for round in 0..<30 {
            // More in all than may be attached at a time.
            let one = try connect()
            let two = try connect()
            _ = try serve(&hub)
            #expect(try LocalSocket.send([1], to: one) == 1)
            #expect(try LocalSocket.send([2], to: two) == 1)
            #expect(try serve(&hub, canTakeInput: false) == [], "\(round)")
            #expect(try serve(&hub) + serve(&hub) == [1, 2])
            LocalSocket.endSending(one)
            _ = try serve(&hub)
            _ = hub.take([9], log)
            // Half closed is still listening.
            #expect(try read(one).last == 9)
            _ = consume one
            _ = consume two
            _ = try serve(&hub)
        }
    }
}
