import Foundation
import Glibc
import HostControl
import HostSystem
import MachineTesting
import Testing

/// Real processes under real control: this host's own mechanism, whichever it is.
@Suite("Control of real processes", .serialized)
struct RealControlTests {
    /// A process that counts in a shell, for ever.
    private func spinner() throws -> ChildProcess {
        try ChildProcess("/bin/sh", ["-c", "echo ready; while :; do :; done"], input: .null, output: .pipe)
    }

    /// The group around all these tests make: no manager of this host sweeps it.
    private static let parent = "roost-test-\(HostProcess.identifier)"

    private func control(_ capabilities: HostCapabilities) throws -> CPUControl {
        try CPUControl(capabilities, parent: Self.parent)
    }

    private func name(_ number: Int) -> String { "test-\(HostProcess.identifier)-\(number)" }

    /// Processor times of spinners on one host CPU while the first has used up so much.
    private func divide(
        _ settings: [CPUSettings], _ capabilities: HostCapabilities, milliseconds: UInt64 = 2000
    ) throws -> (used: [Double], limited: [UInt64?], elapsed: Double) {
        let control = try control(capabilities)
        let spinners = try settings.map { _ in try spinner() }
        let host = try #require(capabilities.processors.numbers.first)
        var before: [CPUUsage] = []
        var after: [CPUUsage] = []
        for (index, spinner) in spinners.enumerated() {
            try spinner.wait(forOutput: "ready")
            try ThreadScheduling.setProcessors(of: spinner.process, to: ProcessorSet([host]))
            let machine = name(index)
            var group = try control.adopt(machine: machine, process: spinner.process)
            try group.apply(settings[index])
        }
        var groups: [Kept] = []
        for (index, spinner) in spinners.enumerated() {
            let group = try control.adopt(machine: name(index), process: spinner.process)
            groups.append(Kept(group))
        }
        let start = HostClock.monotonicNanoseconds()
        for group in groups { before.append(try group.group.usage()) }
        // As much processor time as it takes, however busy the host is.
        repeat {
            usleep(20_000)
            after = try groups.map { try $0.group.usage() }
        } while zip(after, before).reduce(0, { $0 + ($1.0.used - $1.1.used) }) < milliseconds * 1_000_000
            && HostClock.monotonicNanoseconds() - start < 60_000_000_000
        let elapsed = Double(HostClock.monotonicNanoseconds() - start)
        for spinner in spinners { spinner.signal(SIGKILL) }
        for spinner in spinners { _ = try spinner.finish() }
        let names = settings.indices.map(name)
        let swept = try control.sweep()
        #expect(capabilities.mechanism.canLimit == false || names.allSatisfy(swept.contains))
        let mine = Set(names)
        let left = try control.machines()
        #expect(mine.isDisjoint(with: left))
        let limited = zip(after, before).map { one, other in
            one.limited.flatMap { now in other.limited.map { now - $0 } }
        }
        try control.end()
        return (zip(after, before).map { Double($0.used - $1.used) }, limited, elapsed)
    }

    /// In a class, because arrays hold nothing that cannot be copied.
    private final class Kept {
        let group: ControlledGroup
        init(_ group: consuming ControlledGroup) { self.group = group }
    }

    /// A weight for so many parts, in the mechanism's steps.
    private func weights(_ parts: [Int], _ capabilities: HostCapabilities) throws -> [Int] {
        let range = try #require(capabilities.mechanism.weights)
        let unit = range.upperBound / 32
        return parts.map { $0 * unit }
    }

    @Test("processes in groups get processor time by their weights")
    func weights() throws {
        let found = HostCapabilities.discover()
        try #require(found.mechanism.canLimit, "\(found.lines)")
        let used = try divide(try weights([3, 1], found).map { CPUSettings(weight: $0) }, found).used
        #expect((2.6...3.4).contains(used[0] / used[1]))
    }

    @Test("nice values divide by their weights")
    func nice() throws {
        let found = HostCapabilities.discover(choice: .niceValues)
        // The thread is named as a virtual CPU's; it spins until told to end.
        let spinners = try [0, 5].map { _ in try NamedSpinner() }
        let host = try #require(found.processors.numbers.first)
        let control = try control(found)
        for (index, spinner) in spinners.enumerated() {
            try ThreadScheduling.setProcessors(of: spinner.thread, to: ProcessorSet([host]))
            try ThreadScheduling.setNice(of: spinner.thread, to: index * 5)
        }
        var accounting = try VCPUAccounting(process: HostProcess.identifier)
        #expect(accounting.count == 2)
        var before: [VCPUTimes] = []
        try accounting.read { _, times in before.append(times) }
        var after: [VCPUTimes] = before
        repeat {
            usleep(20_000)
            try accounting.read { index, times in after[index] = times }
        } while zip(after, before).reduce(0, { $0 + ($1.0.run - $1.1.run) }) < 1_500_000_000
        let runs = zip(after, before).map { Double($0.run - $1.run) }
        let first = accounting.thread(of: 0) == spinners[0].thread ? 0 : 1
        #expect((2.4...4).contains(runs[first] / runs[1 - first]))
        // Each waited while the other ran.
        #expect(zip(after, before).allSatisfy { $0.ready > $1.ready })
        // Others are in this process's session, so that its threads are set wherever sessions count.
        var group = try control.adopt(machine: "own", process: HostProcess.identifier)
        try group.apply(CPUSettings(weight: 7))
        #expect(try ThreadScheduling.nice(of: spinners[0].thread) == 7)
        var refused: [CPUSettings] = []
        for wrong in [
            CPUSettings(weight: 40), CPUSettings(weight: 0, limit: CPULimit(quota: 1000, period: 1000)),
        ] {
            do throws(HostControlError) { try group.apply(wrong) } catch { refused.append(wrong) }
        }
        #expect(refused.count == 2)
        try accounting.place(0, on: ProcessorSet([host]), all: found.processors)
        let placed = accounting.thread(of: 0) ?? 0
        let places = try ThreadScheduling.processors(of: placed)
        #expect(places == ProcessorSet([host]))
        // Another who comes after that knows of no place, and can let all go.
        var later = try VCPUAccounting(process: HostProcess.identifier)
        try later.letGo()
        let whole = try ThreadScheduling.processors(of: HostProcess.identifier)
        for spinner in spinners {
            let freed = try ThreadScheduling.processors(of: spinner.thread)
            #expect(freed == whole)
        }
        for spinner in spinners { spinner.end() }
    }

    @Test("a limit limits, and is told apart from contention")
    func limit() throws {
        let found = HostCapabilities.discover()
        try #require(found.mechanism.canLimit, "\(found.lines)")
        let weight = try weights([1, 1], found)
        // Less than it would get on a host that many others keep busy, else it meets no limit.
        let limit = CPULimit(quota: 5_000, period: 100_000)
        let (used, limited, elapsed) = try divide(
            [CPUSettings(weight: weight[0], limit: limit), CPUSettings(weight: weight[1])], found)
        // Two periods' quota more: of the period before, and of the one that is under way.
        #expect(used[0] <= 0.05 * elapsed + 20_000_000)
        #expect(try #require(limited[0]) > 100_000_000)
        #expect(limited[1] == 0)
    }

    @Test("a group that somebody removed is told as that, and can be made again")
    func vanished() throws {
        let found = HostCapabilities.discover()
        try #require(found.mechanism == .cgroupV1, "the directories of this test are those of version 1")
        let control = try control(found)
        let process = try spinner()
        try process.wait(forOutput: "ready")
        var group = try control.adopt(machine: name(9), process: process.process)
        try group.apply(CPUSettings(weight: 100))
        let usual = found.lines[0].split(separator: " ").last.map(String.init) ?? ""
        let place = "\(usual)/\(Self.parent)"
        for controller in ["cpu", "cpuacct"] {
            let base = place.replacing("/cpu/", with: "/\(controller)/")
            try SettingFile("\(base)/../cgroup.procs").write("\(process.process)")
            try FileTree.removeEmptyDirectory("\(base)/\(name(9)).vm")
        }
        var vanished = 0
        do throws(HostControlError) {
            try group.apply(CPUSettings(weight: 200))
        } catch {
            if case .vanished = error { vanished += 1 }
        }
        do throws(HostControlError) {
            _ = try group.usage()
        } catch {
            if case .vanished = error { vanished += 1 }
        }
        #expect(vanished == 2)
        var again = try control.adopt(machine: name(9), process: process.process)
        try again.apply(CPUSettings(weight: 200))
        _ = try again.usage()
        let isReleased = try again.release()
        #expect(!isReleased)
        process.signal(SIGKILL)
        _ = try process.finish()
        let swept = try control.sweep()
        #expect(swept.contains(name(9)))
        try control.end()
    }

    @Test("groups that others sweep away while they are made are made again")
    func sweptWhileMade() throws {
        let found = HostCapabilities.discover()
        try #require(found.mechanism.canLimit, "\(found.lines)")
        let control = try control(found)
        let process = try ChildProcess("/bin/sh", ["-c", "echo ready; read end"], input: .pipe)
        try process.wait(forOutput: "ready")
        let state = Monitor((isEnded: false, swept: 0, problem: ""))
        let parent = Self.parent
        let sweeper = try HostThread(name: "sweeper") {
            do {
                let other = try CPUControl(found, parent: parent)
                while !state.update({ $0.isEnded }) {
                    let swept = try other.sweep()
                    state.update { $0.swept += swept.count }
                }
            } catch {
                state.update { $0.problem = "\(error)" }
            }
        }
        // Each adoption leaves the group before empty, for the other to sweep.
        for number in 0..<300 {
            let machine = name(100 + number)
            let group = try control.adopt(machine: machine, process: process.process)
            // It sleeps, and so has used no time in this group; but that can be read, and it is there.
            _ = try group.usage()
            let controllers = try controllers(of: process.process, in: "/\(parent)/\(machine).vm")
            #expect(controllers.isSuperset(of: found.mechanism == .cgroupV1 ? ["cpu", "cpuacct"] : [""]))
        }
        state.update { $0.isEnded = true }
        sweeper.join()
        #expect(state.update { $0.swept } > 0)
        #expect(state.update { $0.problem } == "")
        process.signal(SIGKILL)
        _ = try process.finish()
        try control.sweep()
        try control.end()
    }

    /// The controllers whose group of a process has a path that ends so, cgroups(7); version 2 has no names for them.
    private func controllers(of process: Int32, in group: String) throws -> Set<Substring> {
        let text = try String(contentsOf: URL(filePath: "/proc/\(process)/cgroup"), encoding: .utf8)
        let lines = text.split(separator: "\n").filter { $0.hasSuffix(group) }
        return Set(
            lines.flatMap { line in
                let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
                return fields.dropFirst().first?.split(separator: ",", omittingEmptySubsequences: false) ?? []
            })
    }

    @Test("a process that is gone cannot be adopted, and leaves nothing")
    func deadProcess() throws {
        let control = try control(HostCapabilities.discover())
        let process = try spinner()
        process.signal(SIGKILL)
        _ = try process.finish()
        var errors: [HostControlError] = []
        for (machine, number) in [(name(8), process.process), ("a/b", 1)] {
            do throws(HostControlError) {
                let group = try control.adopt(machine: machine, process: number)
                _ = try group.usage()
            } catch {
                errors.append(error)
            }
        }
        #expect(errors.count == 2)
        #expect(errors.last == .badName("a/b"))
        try control.sweep()
        let left = try control.machines()
        #expect(!left.contains(name(8)))
        try control.end()
    }

    @Test("the host's pressure grows and is understood")
    func pressure() throws {
        var processors = try PressureStall(.processors)
        let before = try processors.totals().some
        let after = try processors.totals().some
        #expect(after >= before)
        for resource in PressuredResource.allCases {
            var stall = try PressureStall(resource)
            let totals = try stall.totals()
            #expect(totals.full <= totals.some)
        }
        let trigger = try PressureStall.trigger(.processors, stall: 150_000, window: 2_000_000)
        #expect(trigger.number >= 0)
    }
}

/// A thread of this process, named as a virtual CPU's, that spins.
private final class NamedSpinner {
    private static let number = Monitor(0)
    private let state = Monitor((thread: Int32(0), isEnded: false))
    private let handle: HostThread
    let thread: Int32

    init() throws {
        let number = Self.number.update { (count: inout Int) -> Int in
            count += 1
            return count - 1
        }
        let state = state
        handle = try HostThread(name: "vcpu\(number)") {
            state.update { $0.thread = HostThread.currentIdentifier }
            while !state.update({ $0.isEnded }) {}
        }
        thread = state.wait { $0.thread == 0 ? nil : $0.thread }
    }

    func end() {
        state.update { $0.isEnded = true }
        handle.join()
    }
}
