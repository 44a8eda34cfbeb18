import HostControl
import HostSystem
import MachineTesting
import Testing

/// Hosts that lack something, of directories made for it.
@Suite("Hosts that lack something")
struct BrokenHostTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A proc of our own, with what it says of mounts and groups.
    private func host(mounts: String, membership: String) throws -> HostCapabilities {
        for path in ["proc", "proc/self", "proc/pressure"] {
            try FileTree.makeDirectory(directory.path + "/" + path)
        }
        try FileTree.write(Array(mounts.utf8), to: directory.path + "/proc/self/mountinfo")
        try FileTree.write(Array(membership.utf8), to: directory.path + "/proc/self/cgroup")
        return HostCapabilities.discover(HostFiles(processes: directory.path + "/proc"))
    }

    private func mount(_ path: String, _ type: String, _ options: String) -> String {
        "30 20 0:26 / \(directory.path)/\(path) rw - \(type) \(type) \(options)\n"
    }

    private func group(_ path: String, _ files: [String: String]) throws {
        var whole = directory.path
        for part in path.split(separator: "/") {
            whole += "/\(part)"
            try FileTree.makeDirectory(whole)
        }
        for (name, text) in files { try FileTree.write(Array(text.utf8), to: whole + "/" + name) }
    }

    @Test("without control groups, nice values are used and the reasons said")
    func nothing() throws {
        let found = try host(mounts: "garbage\n1 2 3\n", membership: "more: garbage")
        #expect(!found.mechanism.canLimit)
        #expect(found.remarks.contains("not by cgroup v2: it is not mounted"))
        #expect(found.remarks.contains("not by cgroup v1: no controller cpu is mounted"))
        #expect(found.lines.contains { $0.contains("psi=1") })
    }

    @Test("that each machine needs a session is said where sessions count", arguments: ["1\n", "0\n", nil])
    func autogroups(enabled: String?) throws {
        for path in ["proc", "proc/sys", "proc/sys/kernel"] {
            try FileTree.makeDirectory(directory.path + "/" + path)
        }
        if let enabled {
            let path = directory.path + "/proc/sys/kernel/sched_autogroup_enabled"
            try FileTree.write(Array(enabled.utf8), to: path)
        }
        let found = try host(mounts: "", membership: "")
        var isBySessions = false
        if case .sessions = found.mechanism { isBySessions = true }
        #expect(isBySessions == (enabled == "1\n"))
        let isSaid = found.remarks.contains {
            $0.contains("kernel.sched_autogroup_enabled") && $0.contains("roost run -d")
        }
        #expect(isSaid == isBySessions)
    }

    @Test("a v2 tree without the controller is said to lack it, with what to do")
    func noController() throws {
        try group(
            "v2/service",
            [
                "cgroup.controllers": "io memory\n", "cgroup.procs": "", "cgroup.subtree_control": "",
                "cgroup.type": "domain",
            ])
        let found = try host(mounts: mount("v2", "cgroup2", "rw"), membership: "0::/service\n")
        #expect(found.remarks.first?.contains("has no controller cpu; delegate it") == true)
    }

    @Test("a v2 group that holds others' processes is left alone")
    func foreignProcess() throws {
        let procs = "\(HostProcess.identifier)\n1\n"
        try group(
            "v2/session",
            [
                "cgroup.controllers": "cpu io\n", "cgroup.procs": procs, "cgroup.subtree_control": "",
                "cgroup.type": "domain",
            ])
        let found = try host(mounts: mount("v2", "cgroup2", "rw"), membership: "0::/session\n")
        #expect(found.remarks.first?.contains("also holds process 1") == true)
    }

    @Test("a delegated v2 group is used, and its limit is the machines' too")
    func delegated() throws {
        let procs = "\(HostProcess.identifier)\n"
        try group(
            "v2/roost.service",
            [
                "cgroup.controllers": "cpu io\n", "cgroup.procs": procs, "cgroup.subtree_control": "",
                "cgroup.type": "domain", "cpu.max": "50000 100000\n",
            ])
        let found = try host(mounts: mount("v2", "cgroup2", "rw"), membership: "0::/roost.service\n")
        #expect(found.mechanism == .cgroupV2)
        #expect(found.capacity == 500_000)
        #expect(found.lines[0].hasSuffix("below \(directory.path)/v2/roost.service"))
    }

    @Test("v1 without accounting is not used")
    func noAccounting() throws {
        try group("cpu", [:])
        let found = try host(mounts: mount("cpu", "cgroup", "rw,cpu"), membership: "1:cpu:/\n")
        #expect(found.remarks.contains("not by cgroup v1: no controller cpuacct is mounted"))
    }

    @Test("pressure in a form nobody knows is an error with its text")
    func unknownPressure() throws {
        _ = try host(mounts: "", membership: "")
        try FileTree.write(Array("calm\n".utf8), to: directory.path + "/proc/pressure/cpu")
        var stall = try PressureStall(.processors, files: HostFiles(processes: directory.path + "/proc"))
        let path = directory.path + "/proc/pressure/cpu"
        var found: HostControlError?
        do throws(HostControlError) { _ = try stall.totals() } catch { found = error }
        #expect(found == .unknownForm(path: path, text: "calm"))
    }

    @Test("lists of processors are read and written", arguments: ["0", "0-3", "0-3,8", "1,3,5", ""])
    func processorLists(_ text: String) {
        #expect(ProcessorSet(list: text)?.description == text)
    }

    @Test("what is no list of processors is refused", arguments: ["a", "3-1", "0-", "-1", "1024", "1-2-3"])
    func badLists(_ text: String) {
        #expect(ProcessorSet(list: text) == nil)
    }
}
