internal import HostSystem
internal import LoadCurves

/// Whether what serves requests is well-conditioned: driven at a tenth of its capacity to ten times that,
/// throughput rises to its peak and stays there, and no queue grows beyond its bound.
///
/// Requests come whether or not the ones before were answered, and their time counts from when they were due.
enum StageBenchmark {
    static let loads = [0.1, 0.3, 0.5, 0.8, 1, 1.5, 2, 3, 5, 10]

    static let usualRounds = 7

    /// How long a load is measured in each round. Many short times, loads by turns: a host that is not idle
    /// then harms all alike.
    static func seconds(_ options: Options) throws -> Double {
        options.text("seconds") == nil ? 0.4 : Double(try options.number("seconds", default: 1))
    }

    static func run(_ options: Options, _ figures: inout Figures) throws {
        let wanted = options.text("case")?.split(separator: ",").map(String.init)
        let all: [(name: String, run: (Options, inout Figures) throws -> Void)] = [
            ("control", ControlStage.run), ("disk", DiskStage.runFree),
            ("disk-limited", DiskStage.runLimited),
        ]
        for stage in all where wanted?.contains(stage.name) ?? true { try stage.run(options, &figures) }
    }

    /// What all rounds together have shown of one thing.
    struct Findings {
        let name: String
        let capacity: Double
        let curve: LoadCurve
        /// The most requests that waited or were under way, and how many may.
        let queuePeak: Double
        let queueBound: Double
    }

    /// In each round: the capacity, then every load, as a multiple of it.
    ///
    /// - Parameter capacity: what a closed loop reaches, a second.
    /// - Returns: the medians of all rounds.
    static func curve(
        rounds: Int, capacity: () throws -> Double,
        _ measure: (_ load: Double, _ capacity: Double) throws -> LoadPoint
    ) rethrows -> (capacity: Double, curve: LoadCurve) {
        var capacities = Sample()
        var points = loads.map { _ in [LoadPoint]() }
        for _ in 0..<rounds {
            let capacity = try capacity()
            capacities.add(capacity)
            for (index, load) in loads.enumerated() { points[index].append(try measure(load, capacity)) }
        }
        return (capacities.median, LoadCurve(points.compactMap(LoadPoint.median(of:))))
    }

    static func report(_ findings: Findings, _ figures: inout Figures) {
        let prefix = "stage.\(findings.name)"
        var table = Table([
            "load", "offered/s", "answered/s", "refused/s", "50 % µs", "90 % µs", "99 % µs",
            "CPU µs an answer",
        ])
        for point in findings.curve.points {
            let times = [point.median, point.ninetieth, point.ninetyNinth].map { time in
                time.map { Double($0) / 1000 } ?? .nan
            }
            table.add(
                ["\(point.load.fixed(1)) x"]
                    + [point.offered, point.throughput, point.refused].map { $0.fixed(0) }
                    + times.map { $0.fixed(1) } + [point.cost.map { (Double($0) / 1000).fixed(2) } ?? "-"])
            let name = "\(prefix).load-\(point.load.fixed(1))"
            figures.add("\(name).offered-per-second", point.offered)
            figures.add("\(name).answered-per-second", point.throughput)
            figures.add("\(name).refused-per-second", point.refused)
            for (percent, time) in zip([50, 90, 99], times) { figures.add("\(name).p\(percent)-us", time) }
        }
        print(table.text)
        print("  capacity, a closed loop: \(findings.capacity.fixed(0)) a second\n")
        print(findings.curve.drawings)
        figures.add("\(prefix).capacity-per-second", findings.capacity)
        figures.add("\(prefix).share-at-10", findings.curve.shareAtTheEnd)
        figures.add("\(prefix).queue-peak", findings.queuePeak)
        figures.judge(
            "\(findings.name): at 10 times capacity, throughput within 5 % of its peak",
            isMet: findings.curve.shareAtTheEnd >= 0.95,
            "\((findings.curve.shareAtTheEnd * 100).fixed(1)) % of it")
        if let cost = findings.curve.costAtTheEnd {
            figures.add("\(prefix).cost-at-10", cost)
            figures.judge(
                "\(findings.name): CPU time an answer at 10 times capacity", cost, atMost: 1.05, places: 3,
                "times the least")
        }
        figures.judge(
            "\(findings.name): the queue within its bound", findings.queuePeak, atMost: findings.queueBound,
            places: 0, "requests")
        print("")
    }
}
