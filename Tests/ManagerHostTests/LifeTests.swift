import Foundation
import HostSystem
import JSONText
import MachineTesting
import ManagerProtocol
import Resources
import Testing

/// The life of a manager: one winner, adoption after a kill, its end.
@Suite("A manager's life")
struct LifeTests {
    private let host: ManagerHost

    init() throws {
        host = try ManagerHost()
    }

    private func process(of answer: ManagerHost.Answer) throws -> Int64? {
        guard case .integer(let number) = try answer.json["process"] else { return nil }
        return number
    }

    @Test("Of ten that start at once one stays, and the others end well")
    func race() throws {
        let program = TestHost.buildDirectory + "/roostd"
        let all = try (0..<10).map { _ in
            try host.run(program, ["--run-directory", host.runDirectory, "--stay"])
        }
        try host.until("one answers") { (try? host.ask("GET", "/v1/status").status) == 200 }
        let winner = try #require(try process(of: host.ask("GET", "/v1/status")))
        var ended = 0
        for process in all where Int64(process.process) != winner {
            #expect(try process.finish() == .exited(0), "\(process.errors.text)")
            ended += 1
        }
        #expect(ended == 9)
        #expect(try process(of: host.ask("GET", "/v1/status")) == winner)
    }

    @Test("It ends after the last machine, and leaves nothing but its lock and what it knew")
    func idleEnd() throws {
        let manager = try host.start(["--idle-seconds", "1"])
        #expect(try manager.finish() == .exited(0))
        #expect(Set(host.contents).isSubset(of: [ManagerFiles.lock, ManagerFiles.state]), "\(host.contents)")
    }

    @Test("It stays as long as there is a machine, and forgets it with its process")
    func machineEnds() throws {
        let manager = try host.start(["--idle-seconds", "1"])
        let machine = try host.sleeper()
        #expect(
            try host.ask("PUT", "/v1/machines/a", "{\"process\": \(machine.process), \"cpus\": 1}").status
                == 201)
        let start = HostClock.monotonicNanoseconds()
        // Longer than it would stay without one.
        try host.until("a while has gone by") { HostClock.monotonicNanoseconds() - start > 2_500_000_000 }
        #expect(try host.ask("GET", "/v1/machines/a").status == 200)
        machine.signal(SIGKILL)
        _ = try machine.finish()
        #expect(try manager.finish() == .exited(0))
    }

    @Test("The end by a signal is one, and the socket is gone")
    func signalled() throws {
        let manager = try host.start()
        manager.signal(SIGTERM)
        #expect(try manager.finish() == .exited(0))
        #expect(!host.contents.contains(ManagerFiles.socket))
    }

    @Test(
        "A socket that is not its own any more is neither moved nor removed at a manager's end",
        arguments: [["--idle-seconds", "1"], ["--stay"]])
    func foreignSocket(flags: [String]) throws {
        let manager = try host.start(flags)
        try FileManager.default.removeItem(atPath: host.socket)
        let other = try LocalSocket.listen(at: host.socket, backlog: 8)
        if flags == ["--stay"] { manager.signal(SIGTERM) }
        #expect(try manager.finish() == .exited(0))
        #expect(host.contents.contains(ManagerFiles.socket))
        // It is the same one: somebody listens there.
        _ = try LocalSocket.connect(to: host.socket)
        _ = consume other
    }

    @Test(
        "The host's processors are followed: one that goes is missed, one that comes is used",
        .enabled(
            if: (try? ThreadScheduling.processors(of: 0).count).map { $0 > 1 } ?? false,
            "there is one processor only, which cannot go"))
    func processors() throws {
        let manager = try host.start()
        let all = try ThreadScheduling.processors(of: manager.process)
        func capacity() throws -> Int64 {
            try ManagerStatus(json: host.ask("GET", "/v1/status").json).capacity.microCPUs
        }
        let before = try capacity()
        try ThreadScheduling.setProcessors(of: manager.process, to: ProcessorSet(all.numbers.prefix(1)))
        try host.until("there is one processor") { try capacity() == 1_000_000 }
        let journal = try host.ask("GET", "/v1/journal").body
        #expect(journal.contains("\n1 capacity amount=1000000\n"))
        try ThreadScheduling.setProcessors(of: manager.process, to: all)
        try host.until("there are all again") { try capacity() == before }
    }

    @Test("What is wrong with a machine is told until it is over")
    func troubles() throws {
        _ = try host.start()
        let machine = try host.sleeper()
        #expect(
            try host.ask("PUT", "/v1/machines/a", "{\"process\": \(machine.process), \"cpus\": 1}").status
                == 201)
        let lost = host.runDirectory + ".away"
        try FileManager.default.moveItem(atPath: host.runDirectory, toPath: lost)
        defer { try? FileManager.default.moveItem(atPath: lost, toPath: host.runDirectory) }
        func remarks() throws -> [String] {
            let connection = try RawConnection(lost + "/" + ManagerFiles.socket)
            try connection.send("GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return try ManagerStatus(json: connection.answer().json).remarks
        }
        try host.until("it is told") { try remarks().contains { $0.contains(host.runDirectory) } }
        try FileManager.default.createDirectory(
            atPath: host.runDirectory, withIntermediateDirectories: false)
        try host.until("it is over") { try !remarks().contains { $0.contains(host.runDirectory) } }
        try FileManager.default.removeItem(atPath: host.runDirectory)
    }

    @Test("One manager after another adds to the log, which is begun anew at a size and kept once more")
    func log() throws {
        // They are nobody's children, whatever becomes of the test.
        defer { host.killManagers() }
        func text(_ file: String) throws -> String {
            String(decoding: try host.directory.read("run/" + file), as: UTF8.self)
        }
        func runOnce() throws {
            _ = try host.run(
                TestHost.buildDirectory + "/roostd",
                ["--run-directory", host.runDirectory, "--background", "--stay"])
            try host.until("it answers") { (try? host.ask("GET", "/v1/status").status) == 200 }
            let machine = try host.sleeper()
            #expect(
                try host.ask("PUT", "/v1/machines/m", "{\"process\": \(machine.process), \"cpus\": 1}").status
                    == 201)
            machine.signal(SIGKILL)
            _ = try machine.finish()
            try host.until("its end is told") {
                try text(ManagerFiles.log).contains("process \(machine.process), has ended")
            }
            for process in host.managers { kill(process, SIGTERM) }
            try host.until("it has ended") { host.managers.isEmpty }
        }
        try runOnce()
        let first = try text(ManagerFiles.log)
        try runOnce()
        #expect(try text(ManagerFiles.log).hasPrefix(first))
        let much = String(repeating: "a line of before\n", count: 20_000)
        _ = try host.directory.write(Array(much.utf8), to: "run/" + ManagerFiles.log)
        try runOnce()
        #expect(try text(ManagerFiles.log).utf8.count < 1000)
        #expect(try text(ManagerFiles.oldLog) == much)
    }

    @Test("Pools outlive a manager that is killed")
    func pools() throws {
        let first = try host.start()
        #expect(
            try host.ask("POST", "/v1/pools", #"{"path": "web", "limit": 1.5, "shares": "high"}"#).status
                == 201)
        first.signal(SIGKILL)
        #expect(try first.finish() == .killed(signal: SIGKILL))
        _ = try host.start()
        let pool = try host.ask("GET", "/v1/pools/web").json
        #expect(pool["limit"] == .number(1.5) && pool["shares"] == .string("high"))
    }

    @Test("Garbage in the run directory does no harm")
    func garbage() throws {
        try FileManager.default.createDirectory(
            atPath: host.runDirectory + "/vm", withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: host.runDirectory)
        for name in ["lock", "stats", "roostd.json", "not a name"] {
            let path = "run/" + (name.hasPrefix("roostd") || name.contains(" ") ? name : "vm/" + name)
            _ = try host.directory.write(Array("\u{0}{[".utf8), to: path)
        }
        // Whoever opens these to read waits for a writer.
        #expect(unsafe mkfifo(host.runDirectory + "/vm/spec.json", 0o600) == 0)
        try FileManager.default.createDirectory(
            atPath: host.runDirectory + "/pipe", withIntermediateDirectories: true)
        #expect(unsafe mkfifo(host.runDirectory + "/pipe/lock", 0o600) == 0)
        _ = try host.start()
        #expect(try host.ask("GET", "/v1/machines").body == #"{"version":1,"machines":[]}"#)
    }
}
