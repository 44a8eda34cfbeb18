internal import Glibc
internal import HostSystem

/// Many small machines started one after another and kept.
struct DensityBenchmark {
    /// An array cannot hold what has one owner; a class can.
    private final class Machine {
        var process: ChildProcess

        init(_ process: consuming ChildProcess) { self.process = process }
    }

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let count = try options.number("machines", default: 200)
        let memory = try options.number("memory", default: 8)
        let work = Workload(kernel: try options.guest("first"), commandLine: "stay", memoryMiB: memory)
        print(
            "density: \(count) machines of \(memory) MiB, each started when the one before has printed; all kept\n"
        )
        var table = Table([
            "", "machines", "alive", "first byte", "a second", "all started ms", "PSS KiB each",
            "all ended ms",
        ])
        for contestant in try Contestant.all(options) {
            guard !contestant.name.hasPrefix("qemu"), contestant.name != "raw-no-irqchip" else { continue }
            try measure(contestant, work, count, &table, &figures)
        }
        print(table.text)
        let name =
            figures["density.\(Contestant.commandLineTool).ms-each"] == nil
            ? Contestant.worker : Contestant.commandLineTool
        let each = figures["density.\(name).ms-each"] ?? .nan
        figures.judge(
            "\(name), machines a second, all alive", isMet: each <= 10,
            "\((1000 / each).fixed(0)), at least 100")
    }

    private static func measure(
        _ contestant: Contestant, _ work: Workload, _ count: Int, _ table: inout Table,
        _ figures: inout Figures
    ) throws {
        var machines: [Machine] = []
        let start = HostClock.monotonicNanoseconds()
        for number in 0..<count {
            let machine = Machine(try ChildProcess(contestant.command(work, Contestant.machineName(number))))
            machines.append(machine)
            var watch = OutputWatch()
            guard try watch.next(machine.process) != nil, watch.text == [UInt8(ascii: "!")] else {
                throw BenchmarkError.contestant(contestant.name, "machine \(number) did not print its byte")
            }
        }
        let startMilliseconds = Double(HostClock.monotonicNanoseconds() - start) / 1e6
        let alive = machines.count { isAlive($0.process.identifier) }
        let memory = try machines.reduce(0) { sum, machine in
            let maps = try MemoryMaps(of: machine.process.identifier, guestMiB: work.memoryMiB)
            return sum + maps.proportional + maps.guestResident
        }
        let endStart = HostClock.monotonicNanoseconds()
        for machine in machines { machine.process.signal(contestant.stopSignal) }
        for machine in machines { _ = try machine.process.reap() }
        let endMilliseconds = Double(HostClock.monotonicNanoseconds() - endStart) / 1e6
        table.add([
            contestant.name, "\(count)", "\(alive)", "\(machines.count)",
            (Double(count) * 1000 / startMilliseconds).fixed(0), startMilliseconds.fixed(0),
            (Double(memory) / Double(count)).fixed(0), endMilliseconds.fixed(0),
        ])
        guard alive == count else {
            throw BenchmarkError.contestant(contestant.name, "only \(alive) of \(count) machines are alive")
        }
        try checkNothingIsLeft(contestant, count)
        figures.add("density.\(contestant.name).ms-each", startMilliseconds / Double(count))
    }

    /// Whether a process runs or waits: not a zombie, not gone.
    private static func isAlive(_ process: Int32) -> Bool {
        // No such file is one of the answers.
        guard let file = try? OwnedDescriptor.open("/proc/\(process)/stat", O_RDONLY),
            let bytes = try? DescriptorIO.readAll(file.number, limit: 4096),
            let name = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return false }
        return name + 2 < bytes.count
            && [UInt8(ascii: "S"), UInt8(ascii: "R"), UInt8(ascii: "D")].contains(bytes[name + 2])
    }

    private static func checkNothingIsLeft(_ contestant: Contestant, _ count: Int) throws(BenchmarkError) {
        for number in 0..<count {
            let path = "/run/roost/\(Contestant.machineName(number))"
            // SAFETY: a C string for the length of the call.
            guard unsafe access(path, F_OK) != 0 else {
                throw .contestant(contestant.name, "\(path) was left behind")
            }
        }
    }
}
