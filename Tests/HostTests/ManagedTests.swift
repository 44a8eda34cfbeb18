import Foundation
import JSONText
import MachineTesting
import Testing

/// Machines that a resource manager looks after, as a person handles them with `roost`: each test has a run
/// directory, and so a manager, of its own.
@Suite("Managed machines", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
final class ManagedTests {
    private let host: RoostHost
    /// Machines that were started, to be ended whatever becomes of the test.
    private var started: [String] = []

    init() throws {
        host = try RoostHost()
    }

    deinit {
        for name in started { _ = try? roost("kill", name) }
        for process in Self.managers(of: host.directory.path + "/run") { kill(process, SIGTERM) }
    }

    /// The processes of `roostd` for a run directory.
    private static func managers(of directory: String) -> [pid_t] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap { pid_t($0) }.filter { process in
            let words = (FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()).split(
                separator: 0)
            let texts = words.map { String(decoding: $0, as: UTF8.self) }
            return texts.first?.hasSuffix("roostd") == true && texts.contains(directory)
        }
    }

    @discardableResult
    private func roost(_ arguments: String...) throws -> Finished {
        try Finished(try host.start(arguments, environment: ["ROOST_UNMANAGED": ""]))
    }

    /// Starts a machine that spins in the background.
    private func detach(_ name: String, _ flags: String...) throws -> Finished {
        started.append(name)
        return try Finished(
            try host.start(
                ["run", "-d", try TestHost.guest("spin"), "--name", name, "--memory", "16M"] + flags,
                environment: ["ROOST_UNMANAGED": ""]))
    }

    private func json(_ arguments: String...) throws -> JSONValue {
        let run = try Finished(try host.start(arguments, environment: ["ROOST_UNMANAGED": ""]))
        #expect(run.status == .exited(0) && run.errors == "")
        let value = try JSONValue(text: run.output)
        #expect(value["version"] == 1)
        return value
    }

    /// What `ps` says of a machine's resources.
    private func resources(of name: String) throws -> JSONValue? {
        guard case .array(let machines) = try json("ps", "--json")["machines"] else { return nil }
        return machines.first { $0["name"] == .string(name) }?["resources"]
    }

    @Test("Shares are listed, changed live and explained, and the journal repeats every decision")
    func shares() throws {
        let first = try detach("a", "--cpu-shares", "2000")
        #expect(first.output == "a\n" && first.errors == "" && first.status == .exited(0))
        #expect(try detach("b").status == .exited(0))
        #expect(try resources(of: "a")?["shares"] == 2000)
        #expect(try resources(of: "b")?["shares"] == "normal")
        #expect(
            try roost("ps").output.contains(
                /^NAME .* POOL +SHARES +RESERVED +LIMIT +ENTITLED +USED +READY +KERNEL\n/))
        let set = try roost("set", "b", "--cpu-shares", "4000", "--cpu-reservation", "10%")
        #expect(set.output.hasPrefix("b: shares 4000, 10% reserved, no limit, pool /; entitled to "))
        #expect(set.errors == "" && set.status == .exited(0))
        #expect(try resources(of: "b")?["shares"] == 4000)
        #expect(try resources(of: "b")?["reservation"] == .number(0.1))
        let why = try roost("why", "a")
        #expect(why.output.hasPrefix("VM 'a' is entitled to ") && why.output.contains("\nAGO "))
        #expect(try json("why", "a", "--json")["name"] == "a")
        let twin = try detach("a")
        #expect(twin.errors.contains("there is a running machine 'a' already") && twin.errorLines.count == 1)
        #expect(twin.output == "" && twin.status == .exited(75))

        let journal = try roost("journal")
        let start = "1 checkpoint sequence=0 "
        #expect(journal.output.hasPrefix(start) && journal.errors == "" && journal.status == .exited(0))
        guard case .array(let records) = try json("journal", "--json")["records"] else {
            throw TestFailure("no records")
        }
        #expect(records.first == .string(String(journal.output.prefix { $0 != "\n" })))
        let path = try host.directory.write(Array(journal.output.utf8), to: "journal")
        let replay = try roost("whatif", "--journal", path)
        #expect(
            replay.output.contains(/^[1-9][0-9]* decisions, all come out alike\n$/) && replay.errors == "")
        // One unit less in the last decision is found.
        let lines = journal.output.split(separator: "\n")
        let last = try #require(lines.lastIndex { $0.contains("decision") && $0.contains("vm=b,") })
        var changed = lines.map(String.init)
        changed[last] += "1"
        let other = try host.directory.write(Array(changed.joined(separator: "\n").utf8), to: "changed")
        let differs = try roost("whatif", "--journal", other)
        #expect(differs.errors.contains("changed:\(last + 1): ") && differs.errorLines.count == 1)
        #expect(differs.output == "" && differs.status == .exited(65))
    }

    @Test("Pools are made, listed, filled and removed; what does not fit is refused with its arithmetic")
    func pools() throws {
        let made = try roost(
            "pool", "create", "web/x", "--parents", "--shares", "high", "--reservation", "0.2",
            "--no-expandable")
        #expect(
            made.output
                == "pool web/x: shares high (8000), 20% reserved, no limit, not expandable; 20% unreserved\n")
        #expect(try roost("pool", "create", "web").status == .exited(75))
        #expect(try detach("a", "--pool", "web/x", "--cpu-reservation", "150m").status == .exited(0))
        let refused = try detach("b", "--pool", "web/x", "--cpu-reservation", "0.1")
        #expect(
            refused.errors
                == "roost: error: VM 'b' asks for a reservation of 0.1 CPUs: pool 'web/x', not expandable, has 0.2 CPUs "
                + "reserved, 0.15 of them taken by reservations, 0.05 left\n")
        #expect(refused.output == "" && refused.status == .exited(69))
        let nowhere = try detach("c", "--pool", "nowhere")
        #expect(
            nowhere.errors == "roost: error: there is no pool 'nowhere'\n" && nowhere.status == .exited(66))
        let full = try roost("pool", "rm", "web/x")
        #expect(full.errors == "roost: error: pool 'web/x' still has members\n" && full.status == .exited(69))
        #expect(try roost("set", "a", "--pool", "/", "--reservation", "0").status == .exited(0))
        #expect(try resources(of: "a")?["pool"] == "/")
        #expect(try roost("pool", "rm", "web/x", "web").status == .exited(0))
        #expect(try json("pool", "ls", "--json")["pools"] == .array([]))
        #expect(Set(host.leftovers).isDisjoint(with: ["b", "c"]))
    }

    @Test("Unmanaged machines run without a manager, and are told what they do not have")
    func unmanaged() throws {
        let run = try detach("a", "--unmanaged", "--cpu-shares", "9", "--cpu-limit", "1")
        #expect(
            run.errors
                == "roost: warning: a runs unmanaged: nobody keeps its CPU shares, CPU limit, and 'roost set' cannot "
                + "change anything\n")
        #expect(run.output == "a\n" && run.status == .exited(0))
        #expect(host.leftovers == ["a"])
        for command in [["set", "a", "--shares", "1"], ["set", "vm:a", "--shares", "1"], ["why", "a"]] {
            let refused = try Finished(try host.start(command, environment: ["ROOST_UNMANAGED": ""]))
            #expect(
                refused.errors
                    == "roost: error: the machine a runs unmanaged: nobody divides CPUs for it, and nothing can be set\n"
            )
            #expect(refused.output == "" && refused.status == .exited(69))
        }
    }

    @Test("A file's pools and machines come up, follow its changes, and go down")
    func compose() throws {
        let guest = try TestHost.guest("spin")
        func text(_ shares: Int) -> [UInt8] {
            Array(
                """
                version: 1
                pools: {web: {shares: high}}
                machines:
                  a: &a {kernel: \(guest), memory: 16M, cpuShares: \(shares), pool: web}
                  b: {<<: *a, pool: /}

                """.utf8)
        }
        started = ["a", "b"]
        let file = try host.directory.write(text(2000), to: "f.yaml")
        let up = try roost("up", file)
        #expect(
            up.output == "pool web: made\na: started\nb: started\n" && up.errors == ""
                && up.status == .exited(0))
        #expect(try resources(of: "a")?["pool"] == "web")
        #expect(
            try roost("up", file).output == "pool web: there already\na: there already\nb: there already\n")
        _ = try host.directory.write(text(3000), to: "f.yaml")
        #expect(try roost("up", file).output == "pool web: there already\na: set\nb: set\n")
        #expect(try resources(of: "b")?["shares"] == 3000)
        let asked = try json("whatif", file, "--json")
        guard case .array(let machines) = asked["machines"] else { throw TestFailure("\(asked)") }
        #expect(machines.map { $0["shares"] } == [3000, 3000])
        let down = try roost("down", file)
        #expect(
            down.output.contains("a: ") && down.output.hasSuffix("pool web: removed\n")
                && down.status == .exited(0))
        #expect(try roost("ps", "-q").output == "")
    }
}
