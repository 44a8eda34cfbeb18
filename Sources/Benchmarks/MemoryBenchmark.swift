internal import Glibc
internal import HostSystem

/// The memory of an idle machine's process without the guest's own.
struct MemoryBenchmark {
    static func run(_ options: Options, _ figures: inout Figures) throws {
        // An even number of MiB: newer kernels align it, and then it does not merge with a neighbour.
        let memory = try options.number("memory", default: 122)
        let runs = try options.number("runs", default: 5)
        let work = Workload(kernel: try options.guest("first"), commandLine: "stay", memoryMiB: memory)
        print(
            "memory: guest `first stay`, \(memory) MiB, idle for 0.2 s; KiB without the guest's RAM; median of \(runs)\n"
        )
        var table = Table([
            "", "resident", "proportional", "private dirty", "guest left out", "of a mapping of",
        ])
        for contestant in try Contestant.all(options) {
            var resident = Sample()
            var proportional = Sample()
            var privateDirty = Sample()
            var last: MemoryMaps?
            for _ in 0..<runs {
                let maps = try measure(contestant, work)
                resident.add(Double(maps.resident))
                proportional.add(Double(maps.proportional))
                privateDirty.add(Double(maps.privateDirty))
                last = maps
            }
            table.add([
                contestant.name, resident.median.fixed(0), proportional.median.fixed(0),
                privateDirty.median.fixed(0),
                "\(last?.guestResident ?? 0)", "\(last?.guestMapping ?? 0)",
            ])
            if options.has("verbose"), let last {
                print("  \(contestant.name): private dirty, largest first")
                for mapping in last.dirtiest.prefix(12) { print("    \(mapping.kibibytes)  \(mapping.name)") }
            }
            figures.add("memory.\(contestant.name).resident-KiB", resident.median)
            figures.add("memory.\(contestant.name).private-dirty-KiB", privateDirty.median)
        }
        print(table.text)
        figures.judge(
            "roost-vmm's private dirty memory",
            figures["memory.\(Contestant.worker).private-dirty-KiB"] ?? .nan,
            atMost: 256, places: 0, "KiB")
        figures.judge(
            "roost-vmm's resident memory", figures["memory.\(Contestant.worker).resident-KiB"] ?? .nan,
            atMost: 4096,
            places: 0, "KiB")
    }

    /// Starts a contestant with the guest `first stay`, looks at its idle process and ends it.
    static func measure(_ contestant: Contestant, _ work: Workload) throws -> MemoryMaps {
        var process = try ChildProcess(contestant.command(work, Contestant.machineName(0)))
        var watch = OutputWatch()
        guard try watch.next(process) != nil, watch.text.first == UInt8(ascii: "!") else {
            throw BenchmarkError.contestant(contestant.name, "did not print the guest's byte")
        }
        usleep(200_000)
        let maps = try MemoryMaps(of: process.identifier, guestMiB: work.memoryMiB)
        process.signal(contestant.stopSignal)
        _ = try process.reap()
        return maps
    }
}
