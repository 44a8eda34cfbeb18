import Foundation
import HostSystem
import JSONText
import MachineTesting
import ManagerProtocol
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
