import Foundation
import HostSystem
import JSONText
import MachineTesting
import ManagerProtocol
import Testing

/// A run directory of a test's own, managers of it, and processes that stand for machines.
final class ManagerHost {
    let directory: TemporaryDirectory
    private var processes: [ChildProcess] = []

    init() throws {
        directory = try TemporaryDirectory()
    }

    deinit {
        for process in processes { process.signal(SIGKILL) }
    }

    var runDirectory: String { directory.path + "/run" }
    var socket: String { runDirectory + "/" + ManagerFiles.socket }
    var contents: [String] { directory.contents(of: "run") }

    /// Starts a manager, and waits until it answers.
    func start(_ flags: [String] = ["--stay"]) throws -> ChildProcess {
        let process = try ChildProcess(
            TestHost.buildDirectory + "/roostd", ["--run-directory", runDirectory] + flags)
        processes.append(process)
        try until("the manager answers") { (try? ask("GET", "/v1/status").status) == 200 }
        return process
    }

    /// A process that sleeps, for as long as the test takes.
    func sleeper() throws -> ChildProcess {
        let process = try ChildProcess("/bin/sleep", ["600"])
        processes.append(process)
        return process
    }

    /// Starts any program, which ends with the test.
    func run(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws
        -> ChildProcess
    {
        let process = try ChildProcess(path, arguments, environment: environment)
        processes.append(process)
        return process
    }

    /// Starts `roost` with this run directory, and machines that are managed.
    func roost(_ arguments: [String]) throws -> ChildProcess {
        try run(
            TestHost.buildDirectory + "/roost", arguments,
            environment: ["ROOST_RUN_DIR": runDirectory, "ROOST_UNMANAGED": ""])
    }

    /// The processes of managers of this run directory, whoever started them.
    var managers: [Int32] {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.compactMap { Int32($0) }.filter { process in
            // One that is gone has no words any more.
            guard let text = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else {
                return false
            }
            let words = text.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            return words.first?.hasSuffix("roostd") == true && words.contains(runDirectory)
        }
    }

    /// Kills all of them, and waits until they are gone.
    ///
    /// - Returns: how many there were.
    @discardableResult
    func killManagers() -> Int {
        let all = managers
        for process in all { kill(process, SIGKILL) }
        // Best effort at a test's end: whoever counts on it looks again.
        try? until("the managers are gone") { managers.isEmpty }
        return all.count
    }

    struct Answer {
        let status: Int
        let head: String
        let body: String

        var json: JSONValue {
            get throws { try JSONValue(text: Array(body.utf8)) }
        }
    }

    /// Asks over a connection of its own.
    @discardableResult
    func ask(_ method: String, _ path: String, _ body: String? = nil) throws -> Answer {
        let content = body.map { "Content-Length: \($0.utf8.count)\r\n" } ?? ""
        let connection = try RawConnection(socket)
        try connection.send(
            "\(method) \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(content)\r\n\(body ?? "")")
        return try connection.answer()
    }

    /// Waits, generously, until something is so.
    func until(_ what: String, _ condition: () throws -> Bool) throws {
        let start = HostClock.monotonicNanoseconds()
        while try !condition() {
            guard HostClock.monotonicNanoseconds() - start < 60_000_000_000 else {
                throw NeverHappened(what: what)
            }
            var pause = PollSet()
            _ = try pause.wait(timeoutMilliseconds: 10)
        }
    }

    struct NeverHappened: Error {
        let what: String
    }
}

/// A connection to a manager on which anything may be sent.
final class RawConnection {
    private let descriptor: OwnedDescriptor
    private var received: [UInt8] = []

    init(_ path: String) throws {
        descriptor = try LocalSocket.connect(to: path)
    }

    func send(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(try LocalSocket.send(rest, to: descriptor))
            if !rest.isEmpty { try wait(for: .writable) }
        }
    }

    /// Sends what is taken.
    ///
    /// - Returns: whether all of it was; else nothing more was taken for so many milliseconds.
    func sendNow(_ text: String, within milliseconds: Int32) throws -> Bool {
        var rest = Array(text.utf8)[...]
        while true {
            rest = rest.dropFirst(try LocalSocket.send(rest, to: descriptor))
            if rest.isEmpty { return true }
            var events = PollSet()
            events.watch(descriptor.number, for: .writable)
            guard try events.wait(timeoutMilliseconds: milliseconds) else { return false }
        }
    }

    /// Waits until the other end has closed the connection, without reading anything.
    func waitForHangup() throws {
        let start = HostClock.monotonicNanoseconds()
        while true {
            var events = PollSet()
            events.watch(descriptor.number, for: .writable)
            _ = try events.wait(timeoutMilliseconds: 60_000)
            if !events.readiness(of: descriptor.number).isDisjoint(with: [.hangup, .error]) { return }
            guard HostClock.monotonicNanoseconds() - start < 60_000_000_000 else {
                throw ManagerHost.NeverHappened(what: "the connection's end")
            }
            var pause = PollSet()
            _ = try pause.wait(timeoutMilliseconds: 10)
        }
    }

    /// The next answer.
    func answer() throws -> ManagerHost.Answer {
        while true {
            if let answer = takeAnswer() { return answer }
            guard try receive() else {
                throw EndOfConnection(received: String(decoding: received, as: UTF8.self))
            }
        }
    }

    /// Waits for the end of the connection; what comes before is passed over.
    func waitForEnd() throws {
        while try receive() {}
    }

    struct EndOfConnection: Error {
        let received: String
    }

    private func takeAnswer() -> ManagerHost.Answer? {
        let text = String(decoding: received, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let head = String(text[..<end.lowerBound])
        let length =
            head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }.flatMap {
                Int($0.dropFirst("content-length:".count).trimmingCharacters(in: .whitespaces))
            } ?? 0
        let start = head.utf8.count + 4
        guard received.count >= start + length else { return nil }
        let body = String(decoding: received[start..<start + length], as: UTF8.self)
        received.removeFirst(start + length)
        let words = head.split(separator: " ")
        return ManagerHost.Answer(status: words.count > 1 ? Int(words[1]) ?? 0 : 0, head: head, body: body)
    }

    private func receive() throws -> Bool {
        while true {
            do {
                if let bytes = try DescriptorIO.read(descriptor.number, limit: 1 << 16) {
                    received += bytes
                    return !bytes.isEmpty
                }
            } catch {
                // A reset is an end too.
                guard error.number == ECONNRESET else { throw error }
                return false
            }
            try wait(for: .readable)
        }
    }

    private func wait(for readiness: Readiness) throws {
        var events = PollSet()
        events.watch(descriptor.number, for: readiness)
        guard try events.wait(timeoutMilliseconds: 60_000) else {
            throw ManagerHost.NeverHappened(what: "I/O")
        }
    }
}
