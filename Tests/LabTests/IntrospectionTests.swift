import Foundation
import MachineTesting
import Testing

/// How often a busy guest is looked at; `ROOST_INSPECT_MOMENTS` makes it hundreds.
private let moments = ProcessInfo.processInfo.environment["ROOST_INSPECT_MOMENTS"].flatMap { Int($0) } ?? 2

extension LabSuite {
    /// What is seen of a stock guest from outside is what the guest tells of itself.
    @Suite("Introspection", .serialized)
    struct IntrospectionTests {
        @Test(
            "A kernel somewhere in memory is seen under load and frozen, as it sees itself")
        func underLoad() throws {
            let linux = try LinuxMachine(reporting: .bzImage, cpus: 2, commandLine: "quiet loglevel=0")
            try linux.waitForShell()
            // What is typed and printed shall be whole lines.
            _ = try linux.run("stty cols 1000")
            let sleeper = try linux.number("sleep 100000 & echo $!").description
            // No child of the shell's: that would tell the shell of each stop, and a signal that comes while it writes its
            // prompt costs the prompt.
            let load = try linux.number(
                "(setsid sh -c 'while :; do (sleep 0; sleep 0) & sleep 0; wait; done' & echo $!)")

            for moment in 0..<moments {
                let listings = try (0..<2).map { _ in try GuestLook.answer(linux, ["ps"]).rows }
                _ = try linux.run("usleep \(Int.random(in: 0..<300_000)); kill -STOP -\(load)")
                let isFirst = moment == 0
                let report = try isFirst ? linux.report("1", "2", sleeper) : linux.report("-b")
                expectNone(try report.compareProcesses(linux.paused("ps")))
                for listing in listings {
                    expectNone(try report.compareListing(listing, load: Int64(load)))
                }
                if isFirst {
                    try everyView(of: linux, report, sleeper: Int(sleeper) ?? 0)
                }
                _ = try linux.run("kill -CONT -\(load)")
            }
            try badQuestions(linux)
            try linux.powerOff()
        }

        private func everyView(of linux: LinuxMachine, _ report: GuestReport, sleeper: Int) throws {
            expectNone(try report.compareMemory(linux.paused("mem")))
            let system = try linux.paused("os")
            let later = GuestReport("== uptime\n" + (try linux.run("cat /proc/uptime")))
            expectNone(try report.compareSystem(system, processors: 2, later: later))
            expectNone(try report.compareLog(linux.paused("dmesg")))
            expectNone(try report.compareModules(linux.paused("modules")))
            expectNone(try report.compareMounts(linux.paused("mounts")))
            for process in [1, sleeper] {
                expectNone(try report.compareFiles(linux.paused("files", "\(process)"), process: process))
                expectNone(try report.compareAreas(linux.paused("maps", "\(process)"), process: process))
            }
            for process in [2, sleeper] {
                let stacks = try linux.paused("bt", "\(process)")
                guard stacks.count == 1, case .list(let frames)? = stacks[0]["frames"] else {
                    throw TestFailure("bt \(process): \(stacks)")
                }
                let rows = frames.map { frame -> ViewCells in
                    if case .record(let cells) = frame { cells } else { [:] }
                }
                expectNone(try report.compareStack(rows, process: process))
            }
            let names = ["init_task", "vfs_read"]
            let told = try linux.report("-s \(names.joined(separator: " "))")
            for name in names {
                expectNone(try told.compareSymbols(linux.paused("syms", name), name: name))
            }
            // People are told of the pause too.
            let shown = try GuestLook(linux, ["mounts", "--pause"])
            #expect(shown.output.hasSuffix(" ms)\n") || shown.output.hasSuffix(" s)\n"), "\(shown.output)")
            #expect(shown.output.contains("(the machine stood still for "))
        }

        /// What there is not, each with one line and its exit code.
        private func badQuestions(_ linux: LinuxMachine) throws {
            for (words, status, part) in [
                (["files", "99999"], 66, "99999"),
                (["read", "0xffff000000000000", "8"], 66, "0xffff000000000000"),
                (["syms", "no_such_symbol"], 66, "no_such_symbol"),
            ] as [([String], Int32, String)] {
                let look = try GuestLook(linux, words)
                #expect(look.status == .exited(status) && look.output == "", "\(words): \(look.output)")
                #expect(
                    look.errors.split(separator: "\n").count == 1 && look.errors.contains(part),
                    "\(look.errors)")
            }
        }

        @Test(
            "A kernel where it was linked is seen by one processor's registers, and its end amid a look is told"
        )
        func fixedPlace() throws {
            let linux = try LinuxMachine(
                reporting: .vmlinuxByPVH, cpus: 1, commandLine: "quiet loglevel=0 nokaslr")
            try linux.waitForShell()
            _ = try linux.run("stty cols 1000")
            let report = try linux.report()
            expectNone(try report.compareProcesses(linux.paused("ps")))
            let system = try linux.paused("os")
            #expect(system.first?["imageStart"] == .text("0xffffffff81000000"))
            #expect(system.first?["virtualSlide"] == .text("0x0"))
            let later = GuestReport("== uptime\n" + (try linux.run("cat /proc/uptime")))
            expectNone(try report.compareSystem(system, processors: 1, later: later))

            let watch = try linux.startRoost([
                "inspect", LinuxMachine.name, "ps", "--json", "--watch", "10ms",
            ])
            try watch.wait(forOutput: "\n{")
            linux.process.signal(9)
            let status = try watch.finish()
            #expect([.exited(66), .exited(74)].contains(status), "\(status)")
            #expect(watch.errors.text.split(separator: "\n").count == 1, "\(watch.errors.text)")
            try linux.process.finish()
        }

        @Test(
            "From power-on to its shell a kernel is seen as far as it has come; before, it is told to be starting",
            arguments: [("", 2), ("nokaslr", 1)])
        func whileItStarts(word: String, cpus: Int) throws {
            let linux = try LinuxMachine(
                reporting: .bzImage, cpus: cpus, commandLine: "quiet loglevel=0 \(word)")
            try linux.process.wait(for: "a control socket") { linux.answers }
            var seen: [String: Int] = [:]
            var count = 0
            try linux.process.wait(for: "the shell, looked at meanwhile") {
                try look(linux, number: count, seen: &seen)
                count += 1
                return linux.process.output.contains("guest# ")
            }
            #expect(count > seen.values.reduce(0, +), "some looks were too early, of \(count)")
            #expect(seen.count == 4, "each view was seen while it started: \(seen)")
            try linux.waitForShell()
            _ = try linux.run("stty cols 1000")
            expectNone(try linux.report("-b").compareProcesses(linux.paused("ps")))
            try linux.powerOff()
        }

        /// One look while the guest starts, by turns at this and that, paused and live.
        private func look(_ linux: LinuxMachine, number: Int, seen: inout [String: Int]) throws {
            let view = ["os", "ps", "dmesg", "mem"][number % 4]
            let look = try GuestLook(linux, [view, "--json"] + (number % 8 < 4 ? ["--pause"] : []))
            guard look.status == .exited(0) else {
                #expect(
                    look.status == .exited(75) && look.errors.contains("may still be starting"),
                    "\(view): \(look.status) \(look.errors)")
                #expect(seen.isEmpty, "what was seen once is seen from then on: \(look.errors)")
                return
            }
            seen[view, default: 0] += 1
            let answer = try look.answer()
            if view == "ps", answer.moment == "paused" { Self.expectSound(answer.rows) }
        }

        /// Numbers are of one process each, and parents are there.
        private static func expectSound(_ rows: [ViewCells]) {
            let numbers = rows.compactMap { $0["pid"]?.number }
            let parents = rows.compactMap { $0["ppid"]?.number }
            #expect(numbers.count == rows.count && Set(numbers).count == rows.count, "\(rows)")
            #expect(
                parents.count == rows.count && Set(parents).subtracting(numbers).subtracting([0]).isEmpty,
                "\(rows)")
        }
    }
}
