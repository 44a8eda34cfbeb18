internal import Glibc
internal import HostSystem
internal import LoadCurves

/// Whether the manager's API is well-conditioned and fair: one client, then a greedy one and a modest one, ask at a
/// tenth of what can be answered to ten times that.
enum APIBenchmark {
    /// Ten requests of the greedy client come on one of the modest one's.
    private static let greed = 10.0
    /// The connections of a client by itself, and of the greedy and the modest one.
    private static let connections = (single: 48, greedy: 48, modest: 32)
    /// What `roostd` aims at, the 90th percentile of a client's response times, in milliseconds.
    private static let target = 20.0

    /// What was measured at one load.
    private struct Round {
        var point: LoadPoint
        var refusedShare: Double
        /// Jain's index; nil of one client.
        var fairness: Double?
        /// The last client's part of what was served.
        var lastShare: Double
    }

    private struct Series {
        let name: String
        let curve: LoadCurve
        /// By load, as the curve's points.
        let refusedShares: [Double]
        let fairness: [Double]
        let lastShares: [Double]
    }

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let rounds = try options.number("runs", default: StageBenchmark.usualRounds)
        let seconds = try StageBenchmark.seconds(options)
        let program = try options.existing(
            options.text("roostd") ?? ".build/release/roostd", advice: "swift build -c release makes it")
        let directory = "/tmp/roost-\(Contestant.machineName(0))"
        var process = try ChildProcess(Command(words: [program, "--run-directory", directory, "--stay"]))
        defer {
            // Its few files; the directory was made for this.
            for file in (try? FileTree.names(in: directory)) ?? [] { FileTree.remove("\(directory)/\(file)") }
            // SAFETY: a C string for the length of the call.
            _ = unsafe rmdir(directory)
        }
        let socket = "\(directory)/roostd.sock"
        var capacities = Sample()
        var single = StageBenchmark.loads.map { _ in [Round]() }
        var both = single
        let one = try connect(socket, [connections.single])
        let two = try connect(socket, [connections.greedy, connections.modest])
        print(
            "api: the manager's status over HTTP; \(rounds) rounds of \(seconds.fixed(1)) s a load, medians\n"
        )
        for _ in 0..<rounds {
            let capacity = try capacity(of: socket, seconds)
            capacities.add(capacity)
            for (index, load) in StageBenchmark.loads.enumerated() {
                let rate = load * capacity
                let greedy = rate * greed / (greed + 1)
                var cpu = process.cpuMilliseconds
                var outcomes = try one.run([.open(perSecond: rate)], seconds: seconds)
                single[index].append(round(load, outcomes, seconds, cpu: process.cpuMilliseconds - cpu))
                cpu = process.cpuMilliseconds
                outcomes = try two.run(
                    [.open(perSecond: greedy), .open(perSecond: rate - greedy)], seconds: seconds)
                both[index].append(round(load, outcomes, seconds, cpu: process.cpuMilliseconds - cpu))
            }
        }
        process.signal(SIGTERM)
        _ = try process.reap()
        print(
            "  capacity, a closed loop of \(closedLoop) connections: \(capacities.median.fixed(0)) a second\n"
        )
        figures.add("api.capacity-per-second", capacities.median)
        let all = [series("one client", single), series("two clients", both)]
        for series in all { report(series, &figures) }
        if let path = options.text("svg") { try chart(all).write(path) }
    }

    /// So many connections keep the manager busy, and none of them waits too long for its taste.
    private static let closedLoop = 16

    private static func capacity(of socket: String, _ seconds: Double) throws -> Double {
        let outcome = try APILoad(to: socket, connections: [closedLoop]).run([.closed], seconds: seconds)[0]
        return Double(outcome.served) / seconds
    }

    /// The socket is there some milliseconds after the manager's start.
    private static func connect(_ socket: String, _ connections: [Int]) throws -> APILoad {
        for _ in 0..<5000 {
            if let load = try? APILoad(to: socket, connections: connections) { return load }
            usleep(1000)
        }
        return try APILoad(to: socket, connections: connections)
    }

    /// - Parameter cpu: what the manager spent on all of it, in milliseconds.
    private static func round(
        _ load: Double, _ outcomes: [APILoad.Outcome], _ seconds: Double, cpu: Double
    ) -> Round {
        // The last client is the one that counts for time: a greedy one waits behind itself.
        let times = outcomes[outcomes.count - 1].times
        let served = outcomes.reduce(0) { $0 + $1.served }
        let refused = outcomes.reduce(0) { $0 + $1.refused }
        let dropped = outcomes.reduce(0) { $0 + $1.dropped }
        let offered = outcomes.reduce(0) { $0 + $1.offered }
        return Round(
            point: LoadPoint(
                load: load, offered: Double(offered) / seconds, throughput: Double(served) / seconds,
                refused: Double(refused + dropped) / seconds, median: times.percentile(0.5),
                ninetieth: times.percentile(0.9), ninetyNinth: times.percentile(0.99),
                cost: UInt64(
                    exactly: (cpu * 1e6 / Double(outcomes.reduce(0) { $0 + $1.servedInAll })).rounded())),
            refusedShare: served + refused > 0 ? Double(refused) / Double(served + refused) : 0,
            fairness: outcomes.count == 2 ? fairness(outcomes) : nil,
            lastShare: served > 0 ? Double(outcomes[outcomes.count - 1].served) / Double(served) : .nan)
    }

    /// Jain's index (Jain, Chiu and Hawe, 1984) of what each client got, as a part of what is max-min fair: half
    /// of all that was served, or all that it asked for if that is less.
    private static func fairness(_ outcomes: [APILoad.Outcome]) -> Double {
        let total = Double(outcomes.reduce(0) { $0 + $1.served })
        let wishes = outcomes.map { Double($0.offered) }
        let small = min(wishes[0], wishes[1], total / 2)
        let parts = outcomes.indices.map { index in
            let right = wishes[index] <= small ? small : total - small
            return right > 0 ? Double(outcomes[index].served) / right : 1
        }
        let sum = parts.reduce(0, +)
        let squares = parts.reduce(0) { $0 + $1 * $1 }
        return squares > 0 ? sum * sum / (Double(parts.count) * squares) : 0
    }

    private static func series(_ name: String, _ rounds: [[Round]]) -> Series {
        Series(
            name: name, curve: LoadCurve(rounds.compactMap { LoadPoint.median(of: $0.map(\.point)) }),
            refusedShares: rounds.map { Self.median($0.map(\.refusedShare)) },
            fairness: rounds.map { Self.median($0.compactMap(\.fairness)) },
            lastShares: rounds.map { Self.median($0.map(\.lastShare)) })
    }

    private static func median(_ values: [Double]) -> Double {
        var sample = Sample()
        for value in values { sample.add(value) }
        return sample.median
    }

    private static func report(_ series: Series, _ figures: inout Figures) {
        let isFair = series.fairness.contains { $0.isFinite }
        let prefix = isFair ? "api.two" : "api.one"
        var table = Table(
            ["load", "offered/s", "answered/s", "503 %", "50 % ms", "90 % ms", "99 % ms", "CPU µs a 200"]
                + (isFair ? ["its part %", "Jain"] : []))
        for (index, point) in series.curve.points.enumerated() {
            let times = [point.median, point.ninetieth, point.ninetyNinth].map { time in
                time.map { Double($0) / 1e6 } ?? .nan
            }
            let refused = series.refusedShares[index] * 100
            table.add(
                [
                    "\(point.load.fixed(1)) x", point.offered.fixed(0), point.throughput.fixed(0),
                    refused.fixed(1),
                ]
                    + times.map { $0.fixed(2) } + [point.cost.map { (Double($0) / 1000).fixed(1) } ?? "-"]
                    + (isFair
                        ? [(series.lastShares[index] * 100).fixed(1), series.fairness[index].fixed(3)] : []))
            let name = "\(prefix).load-\(point.load.fixed(1))"
            figures.add("\(name).offered-per-second", point.offered)
            figures.add("\(name).answered-per-second", point.throughput)
            figures.add("\(name).refused-percent", refused)
            for (percent, time) in zip([50, 90, 99], times) { figures.add("\(name).p\(percent)-ms", time) }
            figures.add("\(name).cpu-us-an-answer", point.cost.map { Double($0) / 1000 } ?? .nan)
            figures.add("\(name).fairness", series.fairness[index])
        }
        print(
            "  \(series.name)"
                + (isFair ? ", one \(Int(greed)) times as greedy; the times are the modest one's:\n" : ":\n"))
        print(table.text)
        print(series.curve.drawings)
        let share = series.curve.shareAtTheEnd
        figures.add("\(prefix).share-at-10", share)
        figures.judge(
            "\(series.name): at 10 times capacity, throughput within 5 % of its peak", isMet: share >= 0.95,
            "\((share * 100).fixed(1)) % of it")
        if let last = series.curve.points.last?.ninetieth {
            figures.judge(
                "\(series.name): at 10 times capacity, 90 % answered in", Double(last) / 1e6,
                atMost: target * 1.25, places: 1, "ms")
        }
        if isFair, let last = series.fairness.last {
            figures.judge(
                "\(series.name): Jain's index at 10 times capacity", isMet: last >= 0.95, last.fixed(3))
        }
        print("")
    }

    /// Parts in hundredths over the load.
    private static func chart(_ all: [Series]) -> ShareChart {
        var chart = ShareChart(
            title: "roostd's API under load", horizontal: "load, as a multiple of the capacity",
            vertical: "hundredths")
        for series in all {
            let points = series.curve.points
            let peak = max(series.curve.peak, 1)
            chart.lines.append(
                .init(
                    name: "served, \(series.name)",
                    points: points.map { (x: $0.load, y: $0.throughput / peak * 100) }))
            chart.lines.append(
                .init(
                    name: "503, \(series.name)",
                    points: zip(points, series.refusedShares).map { (x: $0.load, y: $1 * 100) },
                    isDashed: true))
            guard series.fairness.contains(where: \.isFinite) else { continue }
            chart.lines.append(
                .init(
                    name: "Jain's index",
                    points: zip(points, series.fairness).map { (x: $0.load, y: $1 * 100) }))
        }
        return chart
    }
}
