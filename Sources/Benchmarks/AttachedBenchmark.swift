internal import CLinux
internal import Glibc
internal import HostSystem
internal import JSONText

/// What it costs to have one of every virtio device: the first byte of a guest that uses none of them, and the memory
/// of an idle machine, each with all devices and with none, by turns.
struct AttachedBenchmark {
    /// In milliseconds: how much later the guest's first instruction may come.
    private static let latestStart = 1.0
    /// In KiB: private dirty memory of an idle machine with all of them.
    private static let mostMemory = 1024.0

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let runs = try options.number("runs", default: 31)
        guard let worker = try Contestant.all(options).first(where: { $0.name == Contestant.worker }) else {
            throw BenchmarkError.usage("attached needs --roost-vmm PROGRAM")
        }
        let result = clinux_unshare_network()
        guard result == 0 else {
            let error = SystemError("enter a network of its own", number: -result)
            throw BenchmarkError.unavailable("\(error) (this takes root, or CAP_SYS_ADMIN)")
        }
        let base = "/tmp/roost-bench-\(getpid())"
        let image = try OwnedDescriptor.open("\(base).img", O_RDWR | O_CREAT | O_TRUNC)
        defer { FileTree.remove("\(base).img") }
        guard ftruncate(image.number, 64 << 20) == 0 else {
            throw BenchmarkError.unavailable("\(base).img cannot be made")
        }
        let guest = try options.guest("first")
        let settings = [("none", []), ("all", allDevices(base))].map { name, devices in
            Setting(
                name: name,
                start: Workload(kernel: guest, memoryMiB: 128, specification: devices),
                // As MemoryBenchmark has it.
                idle: Workload(
                    kernel: guest, commandLine: "stay", memoryMiB: 122, specification: devices))
        }
        var starts = settings.map { _ in StartupBenchmark.Result() }
        var memory = settings.map { _ in Sample() }
        // The first round only warms the page cache.
        for round in 0...runs {
            usleep(UInt32(round * 5 % 8) * 500)
            for (index, setting) in settings.enumerated() {
                var scrap = StartupBenchmark.Result()
                if round == 0 {
                    try StartupBenchmark.measure(worker, setting.start, &scrap)
                } else {
                    try StartupBenchmark.measure(worker, setting.start, &starts[index])
                }
            }
        }
        for _ in 0..<5 {
            for (index, setting) in settings.enumerated() {
                memory[index].add(Double(try MemoryBenchmark.measure(worker, setting.idle).privateDirty))
            }
        }
        print(
            """
            attached: \(worker.name), a disk, a card on a tap made for it, vsock, balloon, entropy, console;
            ms, \(runs) runs each, interleaved; KiB idle, without the guest's RAM, 5 runs

            """)
        show(settings, starts, memory, &figures)
    }

    private struct Setting {
        let name: String
        let start: Workload
        let idle: Workload
    }

    private static func allDevices(_ base: String) -> [JSONMember] {
        [
            JSONMember("disks", .array([.object([JSONMember("path", .string("\(base).img"))])])),
            JSONMember("nets", .array([.object([JSONMember("tap", "bench0")])])),
            JSONMember("vsock", .object([JSONMember("path", .string("\(base).vsock"))])),
            JSONMember("balloon", .object([])), JSONMember("rng", .object([])),
            JSONMember("virtioConsole", "none"),
        ]
    }

    private static func show(
        _ settings: [Setting], _ starts: [StartupBenchmark.Result], _ memory: [Sample],
        _ figures: inout Figures
    ) {
        var table = Table(["", "first byte", "min", "p90", "CPU to it", "private dirty"])
        for (index, setting) in settings.enumerated() {
            let start = starts[index]
            table.add([
                setting.name, start.firstByte.median.fixed(3), start.firstByte.minimum.fixed(3),
                start.firstByte.ninetiethPercentile.fixed(3), start.cpuToFirstByte.median.fixed(3),
                memory[index].median.fixed(0),
            ])
            figures.add("attached.\(setting.name).first-byte-ms", start.firstByte.median)
            figures.add("attached.\(setting.name).private-dirty-KiB", memory[index].median)
        }
        print(table.text)
        figures.judge(
            "first byte with all devices after that with none",
            starts[1].firstByte.median - starts[0].firstByte.median, atMost: latestStart, places: 2, "ms")
        figures.judge(
            "private dirty memory with all devices", memory[1].median, atMost: mostMemory, places: 0, "KiB")
    }
}
