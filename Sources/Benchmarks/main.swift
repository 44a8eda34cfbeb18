internal import Glibc
internal import HostSystem
internal import JSONText

// roost-bench BENCHMARK [OPTION]…: scripts/bench starts it, and says what there is.

func runBenchmarks(_ arguments: [String]) throws {
    let benchmarks: [(name: String, run: (Options, inout Figures) throws -> Void)] = [
        ("startup", StartupBenchmark.run),
        ("exits", ExitBenchmark.run),
        ("memory", MemoryBenchmark.run),
        ("density", DensityBenchmark.run),
        ("allocations", AllocationBenchmark.run),
        ("linux", LinuxBenchmark.run),
        ("block", BlockBenchmark.run),
        ("balloon", BalloonBenchmark.run),
        ("stage", StageBenchmark.run),
        ("api", APIBenchmark.run),
        ("resources", ResourcesBenchmark.run),
        ("introspection", IntrospectionBenchmark.run),
        ("cpu-shares", ShareExperiment.run),
        ("cpu-reservation", ReservationExperiment.run),
        ("cpu-pools", PoolExperiment.run),
        ("cpu-smp", ProcessorExperiment.run),
        ("cpu-overhead", OverheadExperiment.run),
        // The last: the harness stays in a network of its own.
        ("attached", AttachedBenchmark.run),
        ("net", NetworkBenchmark.run),
    ]
    guard let first = arguments.first else {
        throw BenchmarkError.usage(
            "usage: roost-bench \(benchmarks.map(\.name).joined(separator: "|"))|check [OPTION]...")
    }
    let options = try Options(arguments.dropFirst())
    if first == "check" { return try Thresholds.check(options) }
    var figures = Figures()
    for name in first.split(separator: ",") {
        guard let benchmark = benchmarks.first(where: { $0.name == name }) else {
            throw BenchmarkError.usage("there is no benchmark '\(name)'")
        }
        try benchmark.run(options, &figures)
        print("")
        // Whoever reads a pipe sees each benchmark when it is done.
        fflush(nil)
    }
    if let path = options.text("json") {
        let text = figures.json.text(.pretty) + "\n"
        if path == "-" {
            print(text)
        } else {
            try FileTree.write(Array(text.utf8), to: path)
        }
    }
    if figures.missedGoals > 0 { print("goals missed: \(figures.missedGoals)") }
    if options.has("check"), figures.missedGoals > 0 {
        throw BenchmarkError.regression("not all goals were met")
    }
}

do {
    try runBenchmarks(Array(CommandLine.arguments.dropFirst()))
} catch let error as BenchmarkError {
    DescriptorIO.writeToStandardError("roost-bench: error: \(error)\n")
    exit(error.status)
} catch {
    DescriptorIO.writeToStandardError("roost-bench: error: \(error)\n")
    exit(1)
}
