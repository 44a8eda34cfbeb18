import HostControl
import HostSystem
import MachineTesting
import Testing

/// Groups that are not where a machine, or the manager, should be.
@Suite("Places of groups")
struct GroupPlaceTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func write(_ text: String, _ path: String) throws {
        var whole = directory.path
        for part in path.split(separator: "/").dropLast() {
            whole += "/\(part)"
            try FileTree.makeDirectory(whole)
        }
        try FileTree.write(Array(text.utf8), to: "\(directory.path)/\(path)")
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try directory.read(path), as: UTF8.self)
    }

    private func host(_ mounts: String, membership: String) throws -> HostFiles {
        try write(mounts, "proc/self/mountinfo")
        try write(membership, "proc/self/cgroup")
        return HostFiles(processes: directory.path + "/proc")
    }

    private func mount(_ path: String, _ type: String, _ options: String) -> String {
        "30 20 0:26 / \(directory.path)/\(path) rw - \(type) \(type) \(options)\n"
    }

    @Test("a v2 machine that may not be moved is taken in and says why, and nothing is in force for it")
    func unreachable() throws {
        let own = HostProcess.identifier
        for (name, content) in [
            "cgroup.controllers": "cpu\n", "cgroup.procs": "\(own)\n", "cgroup.subtree_control": "",
            "cgroup.type": "domain",
        ] { try write(content, "v2/roostd.service/\(name)") }
        // What discovery and the manager's own move want, and a machine's group that nobody may move a process to.
        for path in ["roost-manager/cgroup.procs", "mine/cgroup.subtree_control", "mine/a.vm/cpu.weight"] {
            try write("", "v2/roostd.service/\(path)")
        }
        try FileTree.link(
            "\(directory.path)/v2/roostd.service/mine/a.vm/cgroup.procs", to: "/sys/kernel/uevent_seqnum")
        let files = try host(mount("v2", "cgroup2", "rw"), membership: "0::/roostd.service\n")
        try write("0::/user.slice/session-3.scope\n", "proc/\(own)/cgroup")
        let found = HostCapabilities.discover(files)
        #expect(found.mechanism == .cgroupV2)
        let control = try CPUControl(found, files: files, parent: "mine")
        var machine = try control.adopt(machine: "a", process: own)
        let mechanism = machine.mechanism
        let isLeftOut = machine.isLeftOut
        #expect(mechanism == .none && isLeftOut)
        let told = machine.remark
        let remark = try #require(told)
        #expect(remark.contains("control group /user.slice/session-3.scope"))
        #expect(remark.contains("systemd-run --user --scope"))
        try machine.apply(CPUSettings(weight: 500, limit: CPULimit(quota: 10_000, period: 100_000)))
        let applied = machine.applied
        #expect(applied == nil)
        #expect(try text("v2/roostd.service/mine/a.vm/cpu.weight").isEmpty)
        // It is observed all the same.
        let used = try machine.usage().used
        #expect(used > 0)
    }

    @Test("who starts in a machine's group of v1 leaves it, and makes groups beside the machine's")
    func startedInside() throws {
        for controller in ["cpu", "cpuacct"] {
            try write("", "\(controller)/cgroup.procs")
            try write("", "\(controller)/roost-0-abc/a.vm/cgroup.procs")
        }
        let files = try host(
            mount("cpu", "cgroup", "rw,cpu") + mount("cpuacct", "cgroup", "rw,cpuacct"),
            membership: "2:cpuacct:/roost-0-abc/a.vm\n1:cpu:/roost-0-abc/a.vm\n")
        let found = HostCapabilities.discover(files)
        #expect(found.mechanism == .cgroupV1)
        #expect(found.lines[0].hasSuffix("below \(directory.path)/cpu"))
        // Nothing is changed by looking.
        #expect(try text("cpu/cgroup.procs").isEmpty)
        let control = try CPUControl(found, files: files, parent: "mine")
        let remarks = control.remarks
        #expect(remarks.isEmpty)
        for controller in ["cpu", "cpuacct"] {
            #expect(try text("\(controller)/cgroup.procs") == "\(HostProcess.identifier)")
            #expect(FileTree.isWritableDirectory("\(directory.path)/\(controller)/mine"))
        }
    }

    @Test("in v2 it goes to the manager's leaf, or to the root of all", arguments: [true, false])
    func startedInsideUnified(isRoot: Bool) throws {
        let base = isRoot ? "v2" : "v2/app.service"
        var content = ["cgroup.controllers": "cpu\n", "cgroup.procs": "", "cgroup.subtree_control": ""]
        if !isRoot { content["cgroup.type"] = "domain" }
        for (name, text) in content { try write(text, "\(base)/\(name)") }
        for path in ["roost-manager/cgroup.procs", "mine/cgroup.subtree_control"] {
            try write("", "\(base)/\(path)")
        }
        let files = try host(
            mount("v2", "cgroup2", "rw"), membership: "0::\(isRoot ? "" : "/app.service")/roost-0-abc/a.vm\n")
        let found = HostCapabilities.discover(files)
        #expect(found.mechanism == .cgroupV2, "\(found.lines)")
        let control = try CPUControl(found, files: files, parent: "mine")
        let remarks = control.remarks
        #expect(remarks.isEmpty)
        let own = "\(HostProcess.identifier)"
        #expect(try text("\(base)/roost-manager/cgroup.procs") == (isRoot ? "" : own))
        #expect(try text("\(base)/cgroup.procs") == (isRoot ? own : ""))
    }

    @Test("what a dead manager left goes, with its empty machines; what a living one has stays")
    func dead() throws {
        let files = try host(
            mount("cpu", "cgroup", "rw,cpu,cpuacct"), membership: "1:cpu,cpuacct:/\n")
        let user = HostProcess.user
        for path in [
            "roost-\(user)-dead/a.vm", "roost-\(user)-living/b.vm", "roost-\(user + 1)-foreign", "roost-x",
        ] {
            try write("", "cpu/\(path)/file")
            if !path.hasSuffix("living/b.vm") {
                FileTree.remove("\(directory.path)/cpu/\(path)/file")
            }
        }
        let control = try CPUControl(
            .discover(files), files: files, parent: CPUControl.parent(ofManager: "own"))
        try control.sweepOthers()
        #expect(
            Set(directory.contents(of: "cpu"))
                == ["roost-\(user)-living", "roost-\(user)-own", "roost-\(user + 1)-foreign", "roost-x"])
    }
}
