internal import HostSystem

/// A stock Linux from before the process is made to the first line of its init.
struct LinuxBenchmark {
    private static let mark = "roost-guest: init running"

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let runs = try options.number("runs", default: 1)
        guard let kernels = options.text("kernel"), let initrd = options.text("initrd") else {
            throw BenchmarkError.usage("linux needs --kernel FILE[:FILE] and --initrd FILE")
        }
        let commandLine = options.text("cmdline") ?? "console=ttyS0 quiet panic=-1 roost.run=poweroff"
        print("Linux: to the line '\(mark)'; 256 MiB; '\(commandLine)'; ms; \(runs) runs each\n")
        var table = Table(["", "kernel", "init's line", "gone", "CPU in all"])
        for kernel in kernels.split(separator: ":").map(String.init) {
            let name = String(kernel.split(separator: "/").last ?? "")
            let work = Workload(
                kernel: try options.existing(kernel, advice: "scripts/lab --prepare makes it"),
                initrd: try options.existing(initrd, advice: "scripts/lab --prepare makes it"),
                commandLine: commandLine, memoryMiB: 256)
            for contestant in try Contestant.all(options)
            where !contestant.name.hasPrefix("raw") && contestant.name != Contestant.commandLineTool {
                var line = Sample()
                var gone = Sample()
                var cpu = Sample()
                for _ in 0..<runs {
                    var process = try ChildProcess(contestant.command(work, Contestant.machineName(0)))
                    var watch = OutputWatch()
                    guard let time = try watch.line(mark, of: process) else {
                        print(String(decoding: watch.text, as: UTF8.self))
                        throw BenchmarkError.contestant(contestant.name, "did not come to its init")
                    }
                    line.add(Double(time - process.started) / 1e6)
                    // microvm has no way to power off that Linux knows.
                    if contestant.name.hasPrefix("qemu") { process.signal(contestant.stopSignal) }
                    let end = try process.reap()
                    gone.add(end.wallMilliseconds)
                    cpu.add(end.cpuMilliseconds)
                }
                table.add([
                    contestant.name, name, line.median.fixed(1), gone.median.fixed(1), cpu.median.fixed(1),
                ])
                figures.add("linux.\(name).\(contestant.name).init-ms", line.median)
            }
        }
        print(table.text)
    }
}
