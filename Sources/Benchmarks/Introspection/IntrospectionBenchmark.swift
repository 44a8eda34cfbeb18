internal import Glibc
internal import HostSystem
internal import Introspection

/// How fast a guest is seen into: the kernel found anew and again, processes listed, the figures of a hundred
/// guests; and how long Volatility 3 takes to list the processes of the same dump.
///
/// The dump is mapped as a machine's memory is and read with process_vm_readv(2), as a running machine is.
struct IntrospectionBenchmark {
    private static let goals = (
        first: 150.0, later: 20.0, processes: 1.0, held: 2.0, truth: 10.0, ratio: 50.0,
    )
    private static let machines = 100

    static func run(_ options: Options, _ figures: inout Figures) throws {
        guard let image = options.text("image") else {
            throw BenchmarkError.usage(
                "introspection needs --image FILE, a dump (roost dump makes one, and so does the lab)")
        }
        let path = try options.existing(image, advice: "roost dump makes one")
        let directory = "/tmp/roost-bench-\(getpid())"
        guard try FileTree.makePrivateDirectory(directory) else {
            throw BenchmarkError.unavailable("\(directory) is there already")
        }
        defer { try? ProcessListing.remove(directory) }
        let guest = try MappedDump(path)
        print("introspection: \(path)\n")
        let runs = try options.number("runs", default: 31)
        let kernel = try contact(guest, directory, runs, &figures)
        try processes(kernel, runs, &figures)
        try held(kernel, options, directory, runs, &figures)
        try truth(guest, kernel, runs, &figures)
        let programs = ProcessListing(dump: path, directory: directory)
        try programs.compare(kernel, options, &figures, goal: goals.ratio)
    }

    /// The kernel found by one who knows nothing, and by one who has met it.
    private static func contact(
        _ guest: MappedDump, _ directory: String, _ runs: Int, _ figures: inout Figures
    ) throws -> Kernel {
        let store = ProfileDirectory(path: "\(directory)/kernels")
        var kernel = try guest.kernel(NoProfileStore())
        try store.keep(kernel)
        var (first, later) = (Sample(), Sample())
        for _ in 0..<runs {
            first.add(try milliseconds { kernel = try guest.kernel(NoProfileStore()) })
            later.add(try milliseconds { kernel = try guest.kernel(store) })
            guard !kernel.isProfileNew else {
                throw BenchmarkError.regression("the kernel that was kept is not known again")
            }
        }
        var table = Table(["contact", "median ms", "90 % ms"])
        for (what, sample) in [("first: symbols and types found", first), ("later: the profile kept", later)]
        {
            table.add([what, sample.median.fixed(1), sample.ninetiethPercentile.fixed(1)])
        }
        print(table.text)
        figures.add("introspection.first-ms", first.median)
        figures.add("introspection.later-ms", later.median)
        figures.judge("first contact", first.median, atMost: goals.first, places: 1, "ms")
        figures.judge("later contact", later.median, atMost: goals.later, places: 1, "ms")
        print("")
        return kernel
    }

    private static func processes(_ kernel: Kernel, _ runs: Int, _ figures: inout Figures) throws {
        let list = try ProcessList(kernel)
        var (plain, full) = (Sample(), Sample())
        var count = 0
        for _ in 0..<runs {
            kernel.refresh()
            plain.add(try milliseconds { count = try list.read(details: false).count })
            kernel.refresh()
            full.add(try milliseconds { count = try list.read().count })
        }
        var table = Table(["\(count) processes, read anew", "median ms", "90 % ms"])
        table.add(["names, states, times, sizes", plain.median.fixed(2), plain.ninetiethPercentile.fixed(2)])
        table.add(["command lines and groups too", full.median.fixed(2), full.ninetiethPercentile.fixed(2)])
        print(table.text)
        figures.add("introspection.ps-ms", plain.median)
        figures.add("introspection.ps-full-ms", full.median)
        figures.judge("\(count) processes", plain.median, atMost: goals.processes, places: 2, "ms")
        print("")
    }

    /// For how long a machine stands still while its processes are listed.
    private static func held(
        _ kernel: Kernel, _ options: Options, _ directory: String, _ runs: Int, _ figures: inout Figures
    ) throws {
        guard var machine = try HeldMachine.start(options, directory: directory) else {
            return print("  (held machines are left out: there is no roost)\n")
        }
        let list = try ProcessList(kernel)
        var (empty, full) = (Sample(), Sample())
        for _ in 0..<runs {
            empty.add(try milliseconds { try machine.held {} })
            full.add(
                try milliseconds {
                    try machine.held {
                        kernel.refresh()
                        _ = try list.read()
                    }
                })
        }
        var table = Table(["a machine of one busy virtual CPU, held", "median ms", "90 % ms"])
        for (what, sample) in [("for nothing", empty), ("for processes, groups, command lines", full)] {
            table.add([what, sample.median.fixed(2), sample.ninetiethPercentile.fixed(2)])
        }
        print(table.text)
        figures.add("introspection.held-empty-ms", empty.median)
        figures.add("introspection.held-ps-ms", full.median)
        figures.judge("held for processes", full.median, atMost: goals.held, places: 2, "ms")
        print("")
    }

    /// What a hundred guests, each asked once a second, cost.
    private static func truth(
        _ guest: MappedDump, _ kernel: Kernel, _ runs: Int, _ figures: inout Figures
    ) throws {
        let store = SharedProfile(kernel.profile)
        let readers = try (0..<machines).map { _ in try GuestTruthReader(try guest.kernel(store)) }
        var (processor, wall) = (Sample(), Sample())
        for _ in 0..<runs {
            let start = processorMilliseconds()
            wall.add(try milliseconds { for reader in readers { _ = try reader.read() } })
            processor.add(processorMilliseconds() - start)
        }
        let pages = readers.first?.pages.count ?? 0
        var table = Table(["\(machines) guests, \(pages) pages each", "median ms", "90 % ms"])
        table.add(["CPU time", processor.median.fixed(2), processor.ninetiethPercentile.fixed(2)])
        table.add(["time", wall.median.fixed(2), wall.ninetiethPercentile.fixed(2)])
        print(table.text)
        figures.add("introspection.truth-100-ms", processor.median)
        figures.judge(
            "\(machines) guests a second", processor.median / 10, atMost: goals.truth / 10, places: 2,
            "% of a CPU")
        print("")
    }

    private static func processorMilliseconds() -> Double {
        var time = timespec()
        // SAFETY: the structure is ours; the clock is always there.
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1000 + Double(time.tv_nsec) / 1e6
    }

    private static func milliseconds(_ work: () throws -> Void) rethrows -> Double {
        let start = HostClock.monotonicNanoseconds()
        try work()
        return Double(HostClock.monotonicNanoseconds() - start) / 1e6
    }

    /// One profile for all guests: they run the same kernel.
    private struct SharedProfile: ProfileStore {
        private let profile: KernelProfile

        init(_ profile: KernelProfile) { self.profile = profile }

        func find(where hasBuildID: (Int, [UInt8]) -> Bool) -> KernelProfile? { profile }
    }
}
