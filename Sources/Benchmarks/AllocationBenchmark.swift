internal import CPerf
internal import Glibc
internal import HostSystem

/// How often `roost-vmm` allocates during a million exits: the kernel counts, by uprobes on the allocator's
/// functions in the very program that is measured, how often they are entered.
struct AllocationBenchmark {
    private static let functions: Set<String> = [
        "malloc", "calloc", "realloc", "memalign", "posix_memalign", "aligned_alloc", "reallocarray",
    ]

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let count = try options.number("count", default: 1_000_000)
        guard let contestant = try Contestant.all(options).first(where: { $0.name == Contestant.worker })
        else {
            throw BenchmarkError.unavailable("roost-vmm is not built")
        }
        print("allocations: calls of malloc and its kin in roost-vmm, \(count) port exits of each ring\n")
        var table = Table(["", "before the loop", "during the loop", "after it"])
        for kind in ["port", "port-ring3"] {
            let work = Workload(
                kernel: try options.guest("ports"), commandLine: "kind=\(kind) count=\(count)", memoryMiB: 128
            )
            let command = contestant.command(work, Contestant.machineName(0))
            let counters = try counters(command.words[0])
            var process = try ChildProcess(command)
            var watch = OutputWatch()
            guard try watch.line("S", of: process) != nil else {
                throw BenchmarkError.contestant(contestant.name, "did not print S")
            }
            let before = try total(counters)
            guard !watch.contains(line: "E"), try watch.line("E", of: process) != nil else {
                throw BenchmarkError.contestant(contestant.name, "did not print S and E apart")
            }
            let during = try total(counters) - before
            try watch.rest(of: process)
            _ = try process.reap()
            let after = try total(counters) - during - before
            guard before > 0 else {
                throw BenchmarkError.unavailable("the probes count nothing, not even the start")
            }
            table.add([kind, "\(before)", "\(during)", "\(after)"])
            figures.add("allocations.\(kind)", Double(during))
        }
        print(table.text)
        for kind in ["port", "port-ring3"] {
            let each = (figures["allocations.\(kind)"] ?? .nan) / Double(count)
            // The line S itself is written while the loop already runs.
            figures.judge("allocations an exit, \(kind)", each, atMost: 0.0001, places: 6, "times")
        }
    }

    private final class Counter {
        let descriptor: OwnedDescriptor

        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

        var value: UInt64 {
            get throws {
                guard let bytes = try DescriptorIO.read(descriptor.number, limit: 8), bytes.count == 8 else {
                    throw BenchmarkError.unavailable("a counter cannot be read")
                }
                return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
            }
        }
    }

    /// A counter for each function on each CPU.
    private static func counters(_ program: String) throws -> [Counter] {
        let source = "/sys/bus/event_source/devices/uprobe/type"
        guard let file = try? OwnedDescriptor.open(source, O_RDONLY),
            let bytes = try? DescriptorIO.readAll(file.number, limit: 64),
            let type = UInt32(String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
        else { throw BenchmarkError.unavailable("this kernel has no uprobes") }
        let offsets = try SymbolTable(program).fileOffsets(of: functions)
        guard !offsets.isEmpty else {
            throw BenchmarkError.unavailable("\(program) has no symbols (is it stripped?)")
        }
        var counters: [Counter] = []
        for offset in offsets {
            for cpu in 0..<Int32(sysconf(Int32(_SC_NPROCESSORS_ONLN))) {
                let result = unsafe program.withCString { path in
                    // SAFETY: the kernel copies the path during the call.
                    unsafe cperf_open_uprobe(type, path, offset, cpu)
                }
                let what = "count calls in \(program)"
                counters.append(
                    Counter(OwnedDescriptor(takingOver: try checked(result, what, advice: "only root may"))))
            }
        }
        return counters
    }

    private static func total(_ counters: [Counter]) throws -> UInt64 {
        try counters.reduce(0) { try $0 + $1.value }
    }
}
