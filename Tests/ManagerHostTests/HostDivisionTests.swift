import Foundation
import HostSystem
import JSONText
import MachineTesting
import Testing

/// Where managers and machines lie in the host's control groups, and what divides them.
@Suite("Managers on one host")
struct HostDivisionTests {
    private let hosts: [ManagerHost]

    init() throws {
        hosts = [try ManagerHost(), try ManagerHost()]
    }

    /// The groups of a process in hierarchies that may divide processors, as paths in the file system.
    private func groups(of process: Int32) throws -> [String] {
        let text = try String(contentsOfFile: "/proc/\(process)/cgroup", encoding: .utf8)
        let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
        return text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            let controllers = fields[1].split(separator: ",")
            guard controllers.isEmpty || controllers.contains("cpu") || controllers.contains("cpuacct") else {
                return nil
            }
            let mount = mounts.split(separator: "\n").first { mount in
                controllers.isEmpty
                    ? mount.contains(" - cgroup2 ")
                    : mount.contains(" - cgroup ")
                        && mount.split(separator: " ").last?.split(separator: ",").contains(controllers[0])
                            == true
            }
            return mount.map { "\($0.split(separator: " ")[4])\(fields[2])" }
        }
    }

    private func register(_ name: String, cpus: Int, at host: ManagerHost) throws -> ChildProcess {
        let machine = try host.sleeper()
        let answer = try host.ask(
            "PUT", "/v1/machines/\(name)", "{\"process\": \(machine.process), \"cpus\": \(cpus)}")
        #expect(answer.status == 201, "\(answer.body)")
        return machine
    }

    @Test("Two managers have a group each, with a weight of its own for all their machines")
    func twoManagers() throws {
        _ = try hosts[0].start()
        _ = try hosts[1].start()
        let few = try register("a", cpus: 2, at: hosts[0])
        let many = try register("a", cpus: 8, at: hosts[1])
        let places = try [few, many].map { try groups(of: $0.process).filter { $0.hasSuffix("/a.vm") } }
        try #require(!places[0].isEmpty && places[0].count == places[1].count, "\(places)")
        for (one, other) in zip(places[0], places[1]) { #expect(one != other) }
        let weights = try places.map { try weight(aroundOneOf: $0) }
        #expect(weights[1] == 4 * weights[0], "\(weights)")
    }

    /// What all machines of a manager weigh together.
    private func weight(aroundOneOf groups: [String]) throws -> Int {
        for group in groups {
            let around = group.dropLast("/a.vm".count)
            for file in ["cpu.shares", "cpu.weight"] {
                guard let text = FileManager.default.contents(atPath: "\(around)/\(file)") else { continue }
                return try #require(
                    Int(String(decoding: text, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
                )
            }
        }
        throw TestFailure("no weight around \(groups)")
    }

    @Test("A manager that is started from within a machine's group leaves it, and has its machines beside")
    func startedInside() throws {
        _ = try hosts[0].start()
        let machine = try register("a", cpus: 1, at: hosts[0])
        let inside = try groups(of: machine.process).filter { $0.hasSuffix("/a.vm") }
        try #require(!inside.isEmpty)
        let enter = inside.map { "echo $$ > \($0)/cgroup.procs && " }.joined()
        let host = hosts[1]
        let manager = try host.run(
            "/bin/sh",
            [
                "-c",
                "\(enter) exec \(TestHost.buildDirectory)/roostd --run-directory \(host.runDirectory) --stay",
            ])
        try host.until("the manager answers") { (try? host.ask("GET", "/v1/status").status) == 200 }
        #expect(try groups(of: manager.process).allSatisfy { !$0.contains(".vm") })
        let other = try register("b", cpus: 1, at: host)
        let beside = try groups(of: other.process).filter { $0.hasSuffix("/b.vm") }
        #expect(beside.count == inside.count && beside.allSatisfy { !$0.contains("/a.vm/") }, "\(beside)")
    }

    @Test("By nice values alone, since that is asked for, machines are in no group, and limits are refused")
    func niceValues() throws {
        let host = hosts[0]
        _ = try host.start(["--stay", "--mechanism", "nice"])
        let status = try host.ask("GET", "/v1/status").json
        guard case .string(let mechanism) = status["mechanism"] else { throw TestFailure("\(status)") }
        #expect(mechanism.hasPrefix("nice values "))
        let machine = try register("a", cpus: 1, at: host)
        #expect(try groups(of: machine.process).allSatisfy { !$0.contains(".vm") })
        let answer = try host.ask("PATCH", "/v1/machines/a", #"{"limit": 0.5}"#)
        #expect(answer.status == 422, "\(answer.status) \(answer.body)")
    }

    @Test("Without CAP_SYS_NICE the hard RLIMIT_NICE tells which nice values there are, not the soft one")
    func limits() throws {
        let host = hosts[0]
        // Where root may not raise the hard limit either, it stays what it is.
        let manager = try host.run(
            "/bin/sh",
            [
                "-c",
                "prlimit --pid $$ --nice=0:30 2>/dev/null; prlimit --noheadings --raw --nice --output HARD; "
                    + "exec setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice \(TestHost.buildDirectory)/roostd "
                    + "--run-directory \(host.runDirectory) --stay --mechanism nice",
            ])
        try manager.wait(forOutput: "\n")
        let text = String(decoding: manager.output, as: UTF8.self).trimmingCharacters(
            in: .whitespacesAndNewlines)
        let lowest = 20 - (try #require(Int(text)))
        try host.until("the manager answers") { (try? host.ask("GET", "/v1/status").status) == 200 }
        let status = try host.ask("GET", "/v1/status").json
        guard case .string(let mechanism) = status["mechanism"] else { throw TestFailure("\(status)") }
        // Sessions may have values from 0 up without any limit.
        #expect(
            ["nice values from \(lowest)", "nice values of sessions from \(min(lowest, 0))"].contains(
                mechanism))
    }

    @Test("Sessions that the kernel does not take at once are set a little later, and that is no trouble")
    func turns() throws {
        let host = hosts[0]
        // CAP_SYS_ADMIN may set as many as it likes.
        let manager = try host.run(
            "/usr/bin/setpriv",
            [
                "--bounding-set=-sys_nice,-sys_admin", "--inh-caps=-sys_nice,-sys_admin",
                TestHost.buildDirectory + "/roostd", "--run-directory", host.runDirectory, "--stay",
                "--mechanism", "nice",
            ])
        // Without sessions, such a manager has nothing to divide by unless it has a limit that permits it.
        let sessions = FileManager.default.contents(atPath: "/proc/sys/kernel/sched_autogroup_enabled")
        guard sessions == Data("1\n".utf8) else {
            try host.until("it answers or ends") {
                (try? host.ask("GET", "/v1/status").status) == 200
                    || manager.errors.text.contains("RLIMIT_NICE")
            }
            return
        }
        try host.until("the manager answers") { (try? host.ask("GET", "/v1/status").status) == 200 }
        let names = ["a", "b", "c"]
        // Not the host's children, if setsid(1) has made others of them.
        var machines: [Int32] = []
        defer { for machine in machines { kill(machine, SIGKILL) } }
        for name in names {
            let sleeper = try host.run(
                "/usr/bin/setsid", ["--wait", "/bin/sh", "-c", "echo $$ ready; exec sleep 600"])
            try sleeper.wait(forOutput: "ready\n")
            let number = try #require(Int32(sleeper.output.text.prefix { $0 != " " }))
            machines.append(number)
            let answer = try host.ask("PUT", "/v1/machines/\(name)", "{\"process\": \(number), \"cpus\": 1}")
            #expect(answer.status == 201, "\(answer.body)")
        }
        for name in names {
            try host.until("\(name) is set") {
                try host.ask("GET", "/v1/machines/\(name)/reasons").body.contains("In force by nice values")
            }
        }
        let status = try host.ask("GET", "/v1/status").body
        #expect(!status.contains("cannot write"), "\(status)")
    }

    @Test("A client of another user than root is answered, and the manager lives on")
    func otherUser() throws {
        let host = hosts[0]
        let manager = try host.start()
        // Who is root becomes another user, who may open the socket all the same.
        let asRoot = [
            "--reuid=65534", "--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override",
        ]
        let curl = try host.run(
            "/usr/bin/setpriv",
            (HostProcess.user == 0 ? asRoot : []) + [
                "/usr/bin/curl", "--silent", "--show-error", "--unix-socket", host.socket,
                "http://roost/v1/status",
            ])
        #expect(try curl.finish() == .exited(0), "\(curl.errors.text)")
        #expect(curl.output.text.contains("\"process\":\(manager.process)"), "\(curl.output.text)")
        #expect(try host.ask("GET", "/v1/status").status == 200)
    }

    @Test("What is asked for and is not there is an error that says why")
    func wrong() throws {
        let bad = try hosts[0].run(
            TestHost.buildDirectory + "/roostd",
            ["--run-directory", hosts[0].runDirectory, "--mechanism", "magic"])
        #expect(try bad.finish() == .exited(64))
        #expect(bad.errors.text.contains("magic"))
    }
}
