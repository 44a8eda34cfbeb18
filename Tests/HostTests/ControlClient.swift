import Foundation
import HostSystem
import JSONText
import MachineTesting
import Testing

/// A client of a control socket that sends what no decent one would.
final class ControlClient {
    private let descriptor: OwnedDescriptor
    private var received: [UInt8] = []
    private var nextID = 0

    init(_ path: String) throws {
        let start = HostClock.monotonicNanoseconds()
        while true {
            do {
                descriptor = try LocalSocket.connect(to: path)
                return
            } catch {
                // So many wait there already, or the file is there and nobody listens yet.
                guard [EAGAIN, ECONNREFUSED].contains(error.number),
                    HostClock.monotonicNanoseconds() - start < 60_000_000_000
                else {
                    throw error
                }
            }
            var pause = PollSet()
            try pause.wait(timeoutMilliseconds: 1)
        }
    }

    /// Sends bytes as they are, however long it takes.
    ///
    /// - Returns: false if the machine has closed the connection.
    @discardableResult
    func send(_ bytes: [UInt8]) throws -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            do {
                rest = rest.dropFirst(try LocalSocket.send(rest, to: descriptor))
            } catch {
                if [EPIPE, ECONNRESET].contains(error.number) { return false }
                throw error
            }
            if rest.isEmpty { break }
            try wait(for: .writable)
        }
        return true
    }

    @discardableResult
    func send(_ text: String) throws -> Bool { try send(Array(text.utf8)) }

    /// Sends what the machine takes without reading, and answers how much that was.
    func sendUntilFull(_ bytes: [UInt8], limit: Int) throws -> Int {
        var count = 0
        while count < limit {
            do {
                let taken = try LocalSocket.send(bytes[...], to: descriptor)
                count += taken
                if taken < bytes.count {
                    var events = PollSet()
                    events.watch(descriptor.number, for: .writable)
                    // Nothing taken for so long: it waits for us to read.
                    guard try events.wait(timeoutMilliseconds: 200) else { return count }
                }
            } catch {
                if [EPIPE, ECONNRESET].contains(error.number) { return count }
                throw error
            }
        }
        return count
    }

    func endSending() { LocalSocket.endSending(descriptor) }

    /// The next line; nil at the end of the connection.
    func line() throws -> String? {
        while true {
            if let end = received.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 1)
                return line
            }
            do {
                if let bytes = try DescriptorIO.read(descriptor.number, limit: 65536) {
                    if bytes.isEmpty { return nil }
                    received += bytes
                    continue
                }
            } catch {
                if error.number == ECONNRESET { return nil }
                throw error
            }
            try wait(for: .readable)
        }
    }

    /// The error's code in the next line.
    func errorCode() throws -> JSONValue? {
        try line().flatMap { try JSONValue(text: $0)["error"]?["code"] }
    }

    /// Asks and answers the result, or the error.
    func ask(_ method: String, _ parameters: JSONValue? = nil) throws -> JSONValue {
        nextID += 1
        var members = [
            JSONMember("jsonrpc", "2.0"), JSONMember("id", JSONValue(nextID)),
            JSONMember("method", .string(method)),
        ]
        if let parameters { members.append(JSONMember("params", parameters)) }
        try send(JSONValue.object(members).text() + "\n")
        guard let line = try line() else { throw TestFailure("the connection ended") }
        let reply = try JSONValue(text: line)
        guard reply["id"] == JSONValue(nextID), reply["jsonrpc"] == "2.0" else {
            throw TestFailure("not the answer: \(line)")
        }
        return reply["result"] ?? reply["error"] ?? .null
    }

    private func wait(for readiness: Readiness) throws {
        var events = PollSet()
        events.watch(descriptor.number, for: readiness)
        guard try events.wait(timeoutMilliseconds: ChildProcess.limitMilliseconds) else {
            throw TestFailure("nothing from the control socket")
        }
    }
}

extension RoostHost {
    /// A host of its own, with a machine that prints a line for each of some turns it counts, and a client of it.
    static func withCountingMachine() throws -> (RoostHost, ChildProcess, ControlClient) {
        let host = try RoostHost()
        let machine = try host.boot("spin", "interval=10", ["--cpus", "2"])
        return (host, machine, try host.client(of: machine))
    }

    func file(_ name: String, of machine: String = "vm") -> String {
        "\(directory.path)/run/\(machine)/\(name)"
    }

    /// A client of a machine, whose socket opens a moment after its start.
    func client(of process: ChildProcess, named machine: String = "vm") throws -> ControlClient {
        let path = file("control.sock", of: machine)
        try process.wait(for: "a control socket") { FileManager.default.fileExists(atPath: path) }
        return try ControlClient(path)
    }

    /// Runs a command that is not `run`; records of machines may stay.
    func command(_ arguments: String...) throws -> Finished {
        try Finished(try start(arguments))
    }

    /// Starts a detached machine with a test guest and answers when it runs.
    func detach(_ guest: String, _ commandLine: String = "", _ flags: [String] = []) throws {
        let run = try Finished(try boot(guest, commandLine, ["--detach"] + flags))
        #expect(run.status == .exited(0) && run.output == "vm\n" && run.errors == "")
    }
}
