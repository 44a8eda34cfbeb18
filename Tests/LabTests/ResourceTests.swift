import Foundation
import MachineTesting
import Testing

extension LabSuite {
    @Suite("The resource manager on cgroup v2", .serialized)
    struct ResourceTests {
        @Test("shares, a reservation and a limit divide a processor, as the guests themselves count")
        func division() throws {
            let machines = try SpinningMachines()
            try machines.start("large", "--cpu-shares", "3000")
            try machines.start("small", "--cpu-shares", "1000")
            try expect(0.75, counted: 0.68...0.93, machines, "shares of 3 to 1")
            try machines.set("small", "--reservation", "50%")
            try expect(0.5, counted: 0.38...0.62, machines, "half of it is reserved for the small one")
            try machines.set("large", "--limit", "20%")
            try expect(0.2, counted: 0.005...0.28, machines, "the large one is limited to a fifth")
            try machines.end()
        }

        /// Checks what part the large one has, and so the small one.
        ///
        /// Of the time that both run it has had 0.79, 0.49 and 0.14, and of what both count 0.86, 0.48 and 0.03 to
        /// 0.11: under emulation each turn begins with some milliseconds that count little, and whose part is the
        /// smaller has the shorter turns.
        private func expect(
            _ part: Double, counted: ClosedRange<Double>, _ machines: SpinningMachines, _ why: Comment
        ) throws {
            let large = try machines.divide("large", "small", seconds: 8)
            #expect(abs(large.ran - part) < 0.09, why)
            #expect(counted.contains(large.counted), why)
        }

        @Test("a machine that its own limit held back is told from one that others kept waiting")
        func limited() throws {
            let machines = try SpinningMachines()
            try machines.start("one", "--cpu-limit", "30%")
            try machines.wait(for: "one") { $0 < 0.1 && (0.55...0.75).contains($1) }
            try machines.set("one", "--limit", "none")
            try machines.start("other")
            // Half of the time, and what the manager itself runs.
            var waited = 0.0
            for name in ["other", "one"] {
                try machines.wait(for: name) {
                    waited = $0
                    return (0.4...0.75).contains($0) && $1 == 0
                }
            }
            // Whoever waits for one that is limited waits the less.
            try machines.set("other", "--limit", "25%")
            try machines.wait(for: "one") { (0.1...waited - 0.15).contains($0) && $1 == 0 }
            try machines.end()
        }

        @Test("what Linux says was stolen from it is what `roost stats` says it waited, within a point")
        func steal() throws {
            // Both on one processor.
            let rival = try Lab.start(
                try SpinningMachines.onOneProcessor + ["/bin/sh", "-c", "echo ready; while :; do :; done"])
            defer { rival.signal(9) }
            try rival.wait(forOutput: "ready")
            let linux = try LinuxMachine(devices: [], under: try SpinningMachines.onOneProcessor)
            try linux.succeed("( (while :; do :; done) & )")
            let before = (inside: try stolen(linux), outside: try waited(linux))
            try linux.succeed("sleep 20")
            let after = (inside: try stolen(linux), outside: try waited(linux))
            let inside = after.inside.part(since: before.inside)
            let outside = after.outside.part(since: before.outside)
            #expect(abs(inside - outside) < 0.01, "\(inside) was stolen, \(outside) waited")
            #expect(outside > 0.2, "the rival has kept it waiting")
            rival.signal(9)
            try linux.powerOff()
        }

        /// A time, and the whole it is a part of.
        private struct Share {
            let time: Double
            let elapsed: Double

            func part(since start: Share) -> Double { (time - start.time) / (elapsed - start.elapsed) }
        }

        /// What the guest's kernel says: proc_stat(5), in hundredths of a second.
        private func stolen(_ linux: LinuxMachine) throws -> Share {
            let words = try linux.succeed("echo $(cat /proc/uptime /proc/stat | head -n 2)")
                .split(separator: " ")
            try #require(words.count > 10 && words[2] == "cpu", "\(words)")
            return Share(
                time: try #require(Double(words[10])) / 100, elapsed: try #require(Double(words[0])))
        }

        private func waited(_ linux: LinuxMachine) throws -> Share {
            let statistics = try MachineStatistics(json: linux.roost("stats", LinuxMachine.name, "--json"))
            return Share(time: statistics.ready, elapsed: statistics.elapsed)
        }
    }
}
