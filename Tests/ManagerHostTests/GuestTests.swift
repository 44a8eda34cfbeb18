import Foundation
import HostSystem
import JSONText
import MachineTesting
import ManagerProtocol
import Testing

/// Real machines, started with `roost`, and what becomes of them when their manager comes and goes.
@Suite("Machines and their manager", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
final class GuestTests {
    private let host: ManagerHost

    init() throws {
        host = try ManagerHost()
    }

    deinit {
        // Whatever became of the test: none of these has a parent who would end it.
        host.killManagers()
        for name in ["a", "b"] + (0...64).map({ "m\($0)" }) where host.contents.contains(name) {
            _ = try? host.roost(["kill", name]).finish()
        }
        host.killManagers()
    }

    private func detach(_ name: String) throws -> ChildProcess {
        try host.roost([
            "run", try TestHost.guest("spin"), "--name", name, "--memory", "64M", "--cmdline", "interval=10",
            "-d",
        ])
    }

    private func process(of answer: ManagerHost.Answer) throws -> Int64 {
        guard case .integer(let number) = try answer.json["process"] else { throw TestFailure("\(answer)") }
        return number
    }

    /// How much a guest has printed so far.
    private func printed(_ name: String) throws -> Int {
        try host.directory.read("run/\(name)/console.log").count
    }

    private func waitForProgress(of name: String) throws {
        let before = try printed(name)
        try host.until("\(name) prints") { try printed(name) > before }
    }

    @Test(
        "Killed, a manager takes no machine with it, and the next one has them all before it answers at all")
    func adoption() throws {
        for name in ["a", "b"] {
            let run = try detach(name)
            #expect(try run.finish() == .exited(0), "\(run.errors.text)")
        }
        #expect(try host.roost(["set", "a", "--shares", "high"]).finish() == .exited(0))
        let before = try host.ask("GET", "/v1/machines/a")
        let process = try process(of: before)
        #expect(host.killManagers() == 1)
        for name in ["a", "b"] { try waitForProgress(of: name) }
        _ = try host.start()
        let after = try host.ask("GET", "/v1/machines/a")
        #expect(after.status == 200)
        #expect(try self.process(of: after) == process)
        #expect(try after.json["shares"] == "high")
        #expect(try host.ask("GET", "/v1/machines/b").status == 200)
        for name in ["a", "b"] { try waitForProgress(of: name) }
        // It is not only listed but looked after.
        try host.until("the use of a is measured") {
            guard case .number(let used) = try host.ask("GET", "/v1/machines/a").json["used"] else {
                return false
            }
            return used > 0
        }
    }

    @Test(
        "A command that finds the socket of a manager that was killed starts the next one, which has the machines"
    )
    func staleSocket() throws {
        #expect(try detach("a").finish() == .exited(0))
        #expect(host.killManagers() == 1)
        #expect(host.contents.contains(ManagerFiles.socket), "that is the point of this test")
        let second = try detach("b")
        #expect(try second.finish() == .exited(0), "\(second.errors.text)")
        #expect(host.managers.count == 1)
        for name in ["a", "b"] { #expect(try host.ask("GET", "/v1/machines/\(name)").status == 200) }
    }

    @Test("A manager that ends leaves nobody held to a processor")
    func letGo() throws {
        let all = try ThreadScheduling.processors(of: 0)
        for number in 0...all.count {
            let run = try detach("m\(number)")
            #expect(try run.finish() == .exited(0), "\(run.errors.text)")
        }
        let threads = try (0...all.count).map { number in
            let process = try process(of: host.ask("GET", "/v1/machines/m\(number)"))
            // A thread names itself, which may be after its machine was registered.
            var thread: Int32?
            try host.until("m\(number) has the thread of its virtual CPU") {
                let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
                thread = tasks.first { task in
                    let name = FileManager.default.contents(atPath: "/proc/\(process)/task/\(task)/comm")
                    return name.map { String(decoding: $0, as: UTF8.self) } == "vcpu0\n"
                }.flatMap { Int32($0) }
                return thread != nil
            }
            return try #require(thread)
        }
        func held() throws -> Int {
            try threads.filter { try ThreadScheduling.processors(of: $0) != all }.count
        }
        if all.count > 1 { try host.until("some are held") { try held() > 0 } }
        for process in host.managers { kill(process, SIGTERM) }
        try host.until("the manager has ended") { host.managers.isEmpty }
        #expect(try held() == 0)
    }

    @Test("Two machines that start at once have one manager")
    func race() throws {
        let runs = [try detach("a"), try detach("b")]
        for run in runs { #expect(try run.finish() == .exited(0), "\(run.errors.text)") }
        for name in ["a", "b"] { #expect(try host.ask("GET", "/v1/machines/\(name)").status == 200) }
        try host.until("the loser has ended") { host.managers.count == 1 }
    }

    @Test("A machine does not start beside a manager that hangs, is told why, and leaves nothing")
    func hungAtStart() throws {
        let manager = try host.start()
        manager.signal(SIGSTOP)
        let run = try detach("a")
        #expect(try run.finish() == .exited(75))
        #expect(
            run.errors.text.contains("has not answered for 2 seconds; is it stopped?"), "\(run.errors.text)")
        #expect(run.errors.text.split(separator: "\n").count == 1)
        manager.signal(SIGCONT)
        #expect(try detach("a").finish() == .exited(0))
    }
}
