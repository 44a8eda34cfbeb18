import Glibc
import HostControl
import HostSystem
import MachineTesting
import Testing

/// A second of a machine's, in milliseconds, divided.
private func divide(
    _ split: inout WaitingSplit, waited: UInt64, throttled: UInt64, ran: UInt64, virtualCPUs: Int = 1
) -> [UInt64] {
    let parts = split.divide(
        waited: waited * 1_000_000, throttled: throttled * 1_000_000, ran: ran * 1_000_000,
        elapsed: 1_000_000_000, virtualCPUs: virtualCPUs, processors: 2)
    return [parts.ready / 1_000_000, parts.limited / 1_000_000]
}

@Suite("Waiting for others, and being held back by a limit")
struct WaitingSplitTests {
    @Test(
        "what the group was throttled is no waiting for others",
        arguments: [
            (700, 700, 300, 1, [0, 700]), (500, 0, 500, 1, [500, 0]), (700, 400, 300, 1, [300, 400]),
            // It slept while it was throttled: nothing kept it waiting.
            (0, 700, 300, 1, [0, 0]), (100, 700, 300, 1, [0, 100]),
            // Two virtual CPUs on two processors, each throttled; four on two, two waiting on each.
            (1400, 1400, 600, 2, [0, 1400]), (3400, 1700, 600, 4, [0, 3400]),
        ] as [(UInt64, UInt64, UInt64, Int, [UInt64])])
    func parts(waited: UInt64, throttled: UInt64, ran: UInt64, virtualCPUs: Int, expected: [UInt64]) {
        var split = WaitingSplit()
        #expect(
            divide(&split, waited: waited, throttled: throttled, ran: ran, virtualCPUs: virtualCPUs)
                == expected)
    }

    @Test("waiting that is told of an interval later than its throttling is taken for the same")
    func late() {
        var split = WaitingSplit()
        #expect(divide(&split, waited: 0, throttled: 70, ran: 30) == [0, 0])
        #expect(divide(&split, waited: 70, throttled: 0, ran: 30) == [0, 70])
        // But not much later: then something else kept it.
        #expect(divide(&split, waited: 0, throttled: 70, ran: 30) == [0, 0])
        #expect(divide(&split, waited: 0, throttled: 0, ran: 30) == [0, 0])
        #expect(divide(&split, waited: 70, throttled: 0, ran: 30) == [70, 0])
    }

    @Test("totals that make no sense give no more than was waited")
    func extremes() {
        var split = WaitingSplit()
        for throttled in [0, 1, UInt64.max] {
            for waited in [0, 1, UInt64.max] {
                let parts = split.divide(
                    waited: waited, throttled: throttled, ran: .max, elapsed: 0, virtualCPUs: 0, processors: 0
                )
                #expect(parts.ready + parts.limited == waited)
                let many = split.divide(
                    waited: waited, throttled: throttled, ran: .max, elapsed: 1, virtualCPUs: 255,
                    processors: 1)
                #expect(many.ready + many.limited == waited)
            }
        }
    }
}

/// Real processes whose one thread has a virtual CPU's name.
@Suite("Waiting of real processes", .serialized)
struct RealWaitingTests {
    /// Parts of the time on a processor, ready, and limited, of spinners on one host CPU.
    ///
    /// Their groups weigh so much together that what else runs on this host takes next to nothing.
    private func measure(_ limits: [CPULimit?]) throws -> [[Double]] {
        let found = HostCapabilities.discover()
        try #require(found.mechanism.canLimit, "\(found.lines)")
        let host = ProcessorSet([try #require(found.processors.numbers.first)])
        let directory = try TemporaryDirectory()
        let program = "\(directory.path)/vcpu0"
        try FileTree.link(program, to: "/bin/sh")
        let control = try CPUControl(found, parent: "roost-wait-\(HostProcess.identifier)")
        try control.setWeightOfAll(processors: 256)
        var machines: [Machine] = []
        for (index, limit) in limits.enumerated() {
            let process = try ChildProcess(program, ["-c", "echo ready; while :; do :; done"])
            try process.wait(forOutput: "ready")
            try ThreadScheduling.setProcessors(of: process.process, to: host)
            var group = try control.adopt(machine: "wait-\(index)", process: process.process)
            try group.apply(CPUSettings(weight: 1000, limit: limit))
            let accounting = try VCPUAccounting(process: process.process)
            #expect(accounting.count == 1)
            machines.append(Machine(process, group, accounting))
        }
        for machine in machines { try machine.start() }
        let start = HostClock.monotonicNanoseconds()
        var elapsed: UInt64 = 0
        while elapsed < 3_000_000_000 {
            usleep(50_000)
            elapsed = HostClock.monotonicNanoseconds() - start
        }
        let parts = try machines.map { try $0.parts() }
        for machine in machines { machine.process.signal(SIGKILL) }
        for machine in machines { _ = try machine.process.finish() }
        try control.sweep()
        try control.end()
        return parts
    }

    /// In a class, because arrays hold nothing that cannot be copied.
    private final class Machine {
        let process: ChildProcess
        let group: ControlledGroup
        var accounting: VCPUAccounting
        private var split = WaitingSplit()
        private var before: (time: UInt64, usage: CPUUsage, times: VCPUTimes)

        init(
            _ process: ChildProcess, _ group: consuming ControlledGroup,
            _ accounting: consuming VCPUAccounting
        ) {
            self.process = process
            self.group = group
            self.accounting = accounting
            before = (0, CPUUsage(used: 0), VCPUTimes(run: 0, ready: 0))
        }

        func start() throws {
            before = (HostClock.monotonicNanoseconds(), try group.usage(), try accounting.total())
        }

        /// Parts of the time since `start`.
        func parts() throws -> [Double] {
            let elapsed = HostClock.monotonicNanoseconds() - before.time
            let usage = try group.usage()
            let times = try accounting.total()
            let parts = split.divide(
                waited: times.ready - before.times.ready,
                throttled: (usage.limited ?? 0) - (before.usage.limited ?? 0),
                ran: times.run - before.times.run, elapsed: elapsed, virtualCPUs: 1, processors: 1)
            return [times.run - before.times.run, parts.ready, parts.limited].map {
                Double($0) / Double(elapsed)
            }
        }
    }

    @Test("one that is limited to 30 % and alone is held back for 70 %, and waits for nobody")
    func limited() throws {
        let parts = try measure([CPULimit(quota: 30_000, period: 100_000)])[0]
        #expect(abs(parts[0] - 0.3) < 0.05, "\(parts)")
        #expect(parts[1] < 0.08, "\(parts)")
        #expect(abs(parts[2] - 0.7) < 0.08, "\(parts)")
    }

    @Test("two without limits wait for each other half of the time, and no limit holds them back")
    func contending() throws {
        for parts in try measure([nil, nil]) {
            #expect(abs(parts[0] - 0.5) < 0.08, "\(parts)")
            #expect(abs(parts[1] - 0.5) < 0.08, "\(parts)")
            #expect(parts[2] == 0, "\(parts)")
        }
    }
}
