import Glibc
import HostSystem
import MachineTesting
import Testing

@testable import HostControl

/// Machines divided by nice values: of threads, or of sessions while the kernel groups processes so.
@Suite("Nice values", .serialized)
struct NiceValueTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A process in a session of its own that spins until it is killed, its thread named as a virtual CPU's.
    private final class Spinner {
        let process: Int32
        private let starter: ChildProcess

        init() throws {
            // It may be a child of setsid(1), or that process itself.
            starter = try ChildProcess(
                "/usr/bin/setsid",
                [
                    "--wait", "/bin/sh", "-c",
                    "echo vcpu0 > /proc/$$/comm; echo $$ ready; while :; do :; done",
                ],
                input: .null, output: .pipe)
            try starter.wait(forOutput: "ready\n")
            let number = String(decoding: starter.output, as: UTF8.self).prefix { $0 != " " }
            process = try #require(Int32(number))
        }

        deinit { kill(process, SIGKILL) }
    }

    @Test("machines of different sessions are divided by them, whatever the kernel groups processes by")
    func division() throws {
        let found = HostCapabilities.discover(choice: .niceValues)
        let range = try #require(found.mechanism.weights, "\(found.lines)")
        #expect(!found.mechanism.canLimit)
        let control = try CPUControl(found)
        let processes = [try Spinner(), try Spinner()]
        let host = try #require(found.processors.numbers.first)
        for process in processes {
            try ThreadScheduling.setProcessors(of: process.process, to: ProcessorSet([host]))
        }
        var first = try control.adopt(machine: "first", process: processes[0].process)
        var second = try control.adopt(machine: "second", process: processes[1].process)
        for remark in [first.remark, second.remark] { #expect(remark == nil) }
        // Only ten sessions a second are set for those without privilege.
        let both = [CPUSettings(weight: max(0, range.lowerBound)), CPUSettings(weight: 5)]
        while first.applied != both[0] || second.applied != both[1] {
            try first.apply(both[0])
            try second.apply(both[1])
            usleep(20_000)
        }
        let before = [try first.usage().used, try second.usage().used]
        var used: [Double] = [0, 0]
        repeat {
            usleep(20_000)
            used = [Double(try first.usage().used - before[0]), Double(try second.usage().used - before[1])]
        } while used[0] + used[1] < 2_000_000_000
        // Five steps of a quarter each: 1024 to 335.
        #expect((2.4...4).contains(used[0] / used[1]), "\(used)")
        withExtendedLifetime(processes) {}
        let isReleased = try first.release()
        #expect(isReleased)
    }

    /// A proc in which this process is alone in a session, or with another one.
    private func host(sessions: Bool = true, partner: Bool = false, group: String = "/") throws -> HostFiles {
        let own = HostProcess.identifier
        for path in ["", "/self", "/sys", "/sys/kernel", "/\(own)", "/\(own)/task", "/77"] {
            try FileTree.makeDirectory(directory.path + "/proc" + path)
        }
        let files = [
            "sys/kernel/sched_autogroup_enabled": sessions ? "1\n" : "0\n",
            "self/mountinfo": "30 20 0:26 / /none/cpu rw - cgroup cgroup rw,cpu\n",
            "self/cgroup": "1:cpu:/\n",
            "\(own)/cgroup": "1:cpu:\(group)\n", "\(own)/autogroup": "/autogroup-7 nice 0\n",
            "\(own)/comm": "machine\n", "\(own)/stat": "\(own) (machine) S 1\n",
            "77/autogroup": "/autogroup-\(partner ? 7 : 8) nice 0\n", "77/comm": "bash\n",
            "77/stat": "77 (a) b) S 1\n",
        ]
        for (name, text) in files { try write(text, name) }
        return HostFiles(processes: directory.path + "/proc")
    }

    private func write(_ text: String, _ name: String) throws {
        try FileTree.write(Array(text.utf8), to: "\(directory.path)/proc/\(name)")
    }

    private func session(_ files: HostFiles) throws -> String {
        try files.processText("\(HostProcess.identifier)/autogroup")
    }

    @Test("sessions are what nice values are for while the kernel groups by them, and only then")
    func discovery() throws {
        #expect(
            HostCapabilities.discover(try host(), choice: .niceValues).mechanism
                == .sessions(lowest: min(ThreadScheduling.lowestNice(), 0)))
        let without = HostCapabilities.discover(try host(sessions: false), choice: .niceValues).mechanism
        if case .sessions = without { Issue.record("\(without)") }
    }

    @Test("a machine that is alone in its session gets that session's nice value")
    func alone() throws {
        let files = try host()
        let control = try CPUControl(.discover(files, choice: .niceValues), files: files)
        var machine = try control.adopt(machine: "a", process: HostProcess.identifier)
        let told = machine.remark
        #expect(told == nil)
        try machine.apply(CPUSettings(weight: 5))
        #expect(try session(files).hasPrefix("5"))
        let applied = machine.applied
        #expect(applied == CPUSettings(weight: 5))
    }

    @Test("one that shares its session says so and with whom, until it is alone")
    func shared() throws {
        let files = try host(partner: true)
        let control = try CPUControl(.discover(files, choice: .niceValues), files: files)
        var machine = try control.adopt(machine: "a", process: HostProcess.identifier)
        let told = machine.remark
        let remark = try #require(told)
        // It may be the process of who starts it in a session of its own.
        let isLeftOut = machine.isLeftOut
        #expect(!isLeftOut)
        #expect(remark.contains("process 77 (bash)") && remark.contains("roost run -d"))
        // Others in it must not be made slower or quicker.
        try machine.apply(CPUSettings(weight: 5))
        #expect(try session(files).hasPrefix("/autogroup-7"))
        try machine.lookAround()
        let toldAgain = machine.remark
        #expect(toldAgain == remark)
        // Ended, and not buried yet.
        try write("77 (a) b) Z 1\n", "77/stat")
        try machine.lookAround()
        let toldAlone = machine.remark
        let applied = machine.applied
        #expect(toldAlone == nil && applied == nil)
        try machine.apply(CPUSettings(weight: 6))
        #expect(try session(files).hasPrefix("6"))
    }

    @Test("one in a control group of its own is told to be out of reach")
    func elsewhere() throws {
        let files = try host(group: "/other")
        let control = try CPUControl(.discover(files, choice: .niceValues), files: files)
        let machine = try control.adopt(machine: "a", process: HostProcess.identifier)
        let told = machine.remark
        #expect(told?.contains("control group /none/cpu/other") == true)
        let isLeftOut = machine.isLeftOut
        #expect(isLeftOut)
    }

    @Test("sessions that the kernel refuses to set take turns, and nobody waits who needs nothing")
    func turns() {
        let turns = SessionTurns()
        #expect(turns.mayTry(1))
        turns.wait(1)
        #expect(!turns.mayTry(2) && !turns.mayTry(3) && turns.mayTry(1))
        turns.leave(1)
        #expect(!turns.mayTry(1) && turns.mayTry(2))
        turns.leave(2)
        turns.leave(3)
        turns.leave(1)
        #expect(turns.mayTry(5) && turns.mayTry(4))
    }

    @Test("the limit of the process that gets a nice value counts, up to its hard one")
    func limits() throws {
        let process = try ChildProcess(
            "/usr/bin/prlimit", ["--nice=0:", "/bin/sh", "-c", "echo ready; read end"], input: .pipe)
        try process.wait(forOutput: "ready")
        let lowest = try ThreadScheduling.permitLowestNice(ofProcess: process.process)
        // Its hard limit is this process's; with the capability no limit counts.
        #expect(lowest == ThreadScheduling.lowestNice())
        process.signal(9)
        _ = try process.finish()
    }
}
