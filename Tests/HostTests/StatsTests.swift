import Foundation
import JSONText
import MachineTesting
import Stats
import Testing

@Suite("roost stats", .enabled(if: TestHost.hasKVM, "\(TestHost.noKVM)"))
struct StatsTests {
    let host: RoostHost
    private var page: String { host.directory.path + "/run/vm/stats" }

    init() throws {
        host = try RoostHost()
    }

    private func stats(_ arguments: String...) throws -> Finished {
        try Finished(try host.start(["stats"] + arguments))
    }

    private func json(_ machine: String = "vm") throws -> JSONValue {
        let run = try stats(machine, "--json")
        #expect(run.errors == "" && run.status == .exited(0))
        return try JSONValue(text: Array(run.output.utf8))
    }

    /// A guest that has written its byte and halts for ever, for the length of `body`.
    private func withIdleGuest(_ flags: [String] = [], _ body: (ChildProcess) throws -> Void) throws {
        let guest = try host.boot("first", "stay", flags)
        defer { guest.signal(SIGKILL) }
        try guest.wait(forOutput: "!")
        try body(guest)
        guest.signal(SIGTERM)
        #expect(try guest.finish() != .exited(0))
        #expect(host.leftovers == [], "the page is gone with its machine")
    }

    @Test("JSON tells exits by reason and virtual CPU, times, memory sizes and the kernel's numbers")
    func jsonOfAnIdleGuest() throws {
        try withIdleGuest(["--cpus", "2", "--memory", "66M"]) { _ in
            let json = try json()
            #expect(json["version"] == 1 && json["name"] == "vm")
            #expect(json["memory"]?["configured"] == .integer(66 << 20))
            #expect(json["memory"]?["ballooned"] == 0)
            let resident = try #require(json["memory"]?["resident"]?.count)
            let monitor = try #require(json["memory"]?["monitor"]?.count)
            #expect(resident > 0 && resident < 1 << 20, "the guest has a few pages")
            #expect(monitor > 500 << 10 && monitor < 64 << 20)
            guard case .array(let processors)? = json["processors"] else {
                Issue.record("no processors")
                return
            }
            try #require(processors.count == 2)
            #expect(processors[0]["exits"]?["port-write"]?.count ?? 0 >= 1)
            for processor in processors {
                #expect(processor["thread"]?.count ?? 0 > 0)
                #expect(processor["run"]?.count ?? 0 > 0)
                #expect(processor["ready"]?.count != nil && processor["wait"]?.count != nil)
                #expect(
                    processor["kvm"]?["exits"]?.count != nil, "KVM's own: \(json["remarks"]?.text() ?? "")")
            }
            #expect(json["kvm"]?["remote_tlb_flush"]?.count != nil)
            #expect(json["sections"]?["console"]?["metrics"]?["output"]?["value"] == 1)
            #expect(json["remarks"] == [])
        }
    }

    @Test("Exits are counted one by one, and grow")
    func exits() throws {
        let guest = try host.boot("ports", "count=100000000")
        defer { guest.signal(SIGKILL) }
        // The page is there before the guest runs.
        try guest.wait(forOutput: "S")
        var last: Int64 = -1
        for _ in 0..<3 {
            while true {
                guard case .array(let processors)? = try json()["processors"] else { break }
                let count = try #require(processors[0]["exits"]?["port-write"]?.count)
                #expect(count >= last)
                if count > last { last = count; break }
            }
        }
        #expect(last > 0)
    }

    @Test("The table has sizes and times with units, and rates when it is repeated")
    func text() throws {
        try withIdleGuest(["--memory", "66M"]) { _ in
            let run = try stats("vm")
            #expect(run.status == .exited(0) && run.errors == "")
            #expect(run.output.hasPrefix("machine vm, process "))
            #expect(run.output.contains(/\nconfigured +66\.0 MiB\s/))
            #expect(run.output.contains(/\nvcpu0 +[0-9]+ +[0-9.]+ .?s +[0-9.]+ .?s +[0-9.]+ .?s\n/))
            #expect(run.output.contains(/\nport-write +[1-9][0-9]*\n/))
            #expect(!run.output.contains("/s)"))
            let watch = try host.start(["stats", "vm", "--watch", "10ms"])
            defer { watch.signal(SIGKILL) }
            try watch.wait(forOutput: "output   1 bytes (0 bytes/s)")
            try watch.wait(forOutput: " %")
        }
    }

    @Test("Watching ends when the machine does")
    func watchingTheEnd() throws {
        let guest = try host.boot("first", "stay")
        defer { guest.signal(SIGKILL) }
        try guest.wait(forOutput: "!")
        let watch = try host.start(["stats", "vm", "--watch", "10ms", "--json"])
        defer { watch.signal(SIGKILL) }
        try watch.wait(forOutput: "}\n{")
        guest.signal(SIGTERM)
        _ = try guest.finish()
        #expect(try watch.finish() == .exited(0))
        for line in watch.output.text.split(separator: "\n") {
            #expect(throws: Never.self) { _ = try JSONValue(text: Array(line.utf8)) }
        }
    }

    @Test("A machine that does not run, or was killed, is told with those that run")
    func wrongNames() throws {
        let none = try stats("vm")
        #expect(
            none.errors
                == "roost: error: there is no machine 'vm': none is running in \(host.directory.path)/run\n")
        #expect(none.status == .exited(66))
        try withIdleGuest { guest in
            let other = try stats("web")
            #expect(other.errors == "roost: error: there is no machine 'web'; running: vm\n")
            #expect(other.status == .exited(66))
            #expect(try stats("../vm").status == .exited(66))
        }
        let killed = try host.boot("first", "stay")
        try killed.wait(forOutput: "!")
        killed.signal(SIGKILL)
        _ = try killed.finish()
        let stale = try stats("vm")
        #expect(stale.errorLines.count == 1 && stale.status == .exited(66))
        #expect(stale.errors == "roost: error: the machine vm is not running: it was killed\n")
        // The next of that name takes over.
        try withIdleGuest { _ in
            let name = try json()["name"]
            #expect(name == "vm")
        }
    }

    @Test("A damaged page is a data error, a wrong time between readings a usage error")
    func wrongPages() throws {
        let guest = try host.boot("first", "stay")
        defer { guest.signal(SIGKILL) }
        try guest.wait(forOutput: "!")
        try FileManager.default.removeItem(atPath: page)
        let missing = try stats("vm")
        #expect(missing.errors.contains("/run/vm/stats: No such file") && missing.status == .exited(66))
        _ = try host.directory.write(Array("no page at all".utf8), to: "run/vm/stats")
        let damaged = try stats("vm")
        #expect(
            damaged.errors.contains("cannot be used: it is no stats page") && damaged.status == .exited(65))
        for wrong in ["", "5", "1y", "0s", "1ms", "9999999999999999999h"] {
            #expect(try stats("vm", "--watch", wrong).status == .exited(64))
        }
    }

    @Test("Ten thousand readings cost the machine no switch of a thread")
    func unnoticed() throws {
        try withIdleGuest { guest in
            var observer = try MachineObserver(page: page)
            let process = try observer.page().process
            /// What each thread does, and how often it was switched to or from.
            func threads() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task").sorted().flatMap
                { thread in
                    try String(contentsOfFile: "/proc/\(process)/task/\(thread)/status", encoding: .utf8)
                        .split(separator: "\n")
                        .filter { $0.hasPrefix("State:") || $0.contains("ctxt_switches") }
                        .map { "\(thread) \($0)" }
                }
            }
            // The guest's byte is out; its thread may be on its way into the halt, and one that has not come
            // to a processor yet has not moved either.
            var before: [String] = []
            try guest.wait(for: "a machine whose threads all sleep") {
                for _ in 0..<100 { _ = try observer.observe() }
                let now = try threads()
                defer { before = now }
                return now == before && now.allSatisfy { !$0.contains("State:") || $0.contains("(sleeping)") }
            }
            for _ in 0..<10_000 { _ = try observer.page() }
            #expect(try threads() == before)
            #expect(before.count >= 6)
        }
    }
}

extension JSONValue {
    /// A whole number.
    fileprivate var count: Int64? {
        guard case .integer(let value) = self else { return nil }
        return value
    }
}
