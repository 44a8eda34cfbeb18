internal import Glibc
internal import HostSystem
internal import Introspection

/// Programs that list a dump's processes, each from its start to its end.
struct ProcessListing {
    let dump: String
    /// Where caches and the symbol file are.
    let directory: String

    /// Compares `roost inspect` with Volatility 3, if that is given.
    ///
    /// - Parameter goal: how many times quicker Roost has to be that was told nothing.
    func compare(
        _ kernel: Kernel, _ options: Options, _ figures: inout Figures, goal: Double
    ) throws {
        guard let roost = options.text("roost") else { return }
        let runs = try options.number("runs", default: 31)
        let inspect = [roost, "inspect", "--image", dump, "ps"]
        var table = Table(["process list, a program's start to end", "median ms", "was told", "runs"])
        let count = min(runs, 7)
        let first = try median(count, inspect, isFirst: true)
        table.add(["roost inspect, first time", first.fixed(0), "nothing", "\(count)"])
        let again = try median(count, inspect, isFirst: false)
        table.add(["roost inspect, again", again.fixed(0), "nothing; it kept the profile", "\(count)"])
        figures.add("introspection.roost-first-ms", first)
        figures.add("introspection.roost-again-ms", again)
        var volatility: Double?
        if let program = options.text("volatility") {
            let symbols = "\(directory)/symbols"
            _ = try FileTree.makeDirectory(symbols)
            _ = try FileTree.makeDirectory("\(symbols)/linux")
            try FileTree.write(try SymbolFile(kernel).text(), to: "\(symbols)/linux/kernel.json")
            // Once before: it reads all its symbol files into its own cache.
            let words = [program, "-q", "-s", symbols, "-f", dump, "linux.pslist"]
            _ = try milliseconds(words)
            let times = min(runs, 3)
            let time = try median(times, words, isFirst: false)
            table.add(["Volatility 3, its caches filled", time.fixed(0), "Roost's symbol file", "\(times)"])
            figures.add("introspection.volatility-ms", time)
            volatility = time
        }
        print(table.text)
        guard let volatility else {
            print("  Volatility 3 does not take part: scripts/test.d/dump-tools installs it")
            return
        }
        figures.judge(
            "times quicker than Volatility 3, again", isMet: volatility / again >= goal,
            "\((volatility / again).fixed(0)), at least \(goal.fixed(0))")
        print("         first time: \((volatility / first).fixed(0)) times")
    }

    private func median(_ runs: Int, _ words: [String], isFirst: Bool) throws -> Double {
        var sample = Sample()
        for _ in 0..<runs {
            if isFirst { try Self.remove("\(directory)/cache/roost") }
            sample.add(try milliseconds(words))
        }
        return sample.median
    }

    /// Removes a directory with all that is in it.
    static func remove(_ path: String) throws {
        var process = try ChildProcess(Command(words: ["/bin/rm", "-rf", path]))
        _ = try process.reap()
    }

    private func milliseconds(_ words: [String]) throws -> Double {
        var process = try ChildProcess(
            Command(words: ["/usr/bin/env", "XDG_CACHE_HOME=\(directory)/cache"] + words))
        var watch = OutputWatch()
        try watch.rest(of: process)
        let end = try process.reap()
        guard end.status == 0 else {
            throw BenchmarkError.contestant(words[0], "ended with status \(end.status)")
        }
        return end.wallMilliseconds
    }
}
