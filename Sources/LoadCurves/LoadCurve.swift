/// What a system did at one load.
public struct LoadPoint: Sendable, Equatable {
    /// The load, as a multiple of the capacity.
    public let load: Double
    /// Requests that were due, a second.
    public let offered: Double
    /// Requests that were answered, a second.
    public let throughput: Double
    /// Requests that were refused, a second.
    public let refused: Double
    /// The time from when a request was due to its answer, in nanoseconds: 50th percentile; nil of nothing.
    public let median: UInt64?
    /// As `median`: the 90th.
    public let ninetieth: UInt64?
    /// As `median`: the 99th.
    public let ninetyNinth: UInt64?
    /// CPU time of whoever answers, in nanoseconds an answer; nil if it is not known.
    public let cost: UInt64?

    /// A point.
    public init(
        load: Double, offered: Double, throughput: Double, refused: Double, median: UInt64?,
        ninetieth: UInt64?, ninetyNinth: UInt64?, cost: UInt64? = nil
    ) {
        self.load = load
        self.offered = offered
        self.throughput = throughput
        self.refused = refused
        self.median = median
        self.ninetieth = ninetieth
        self.ninetyNinth = ninetyNinth
        self.cost = cost
    }

    /// Of several measurements of one load, the median of each quantity by itself.
    ///
    /// - Returns: nil of nothing.
    public static func median(of points: [LoadPoint]) -> LoadPoint? {
        guard let first = points.first else { return nil }
        func middle<Value: Comparable>(_ values: [Value]) -> Value? {
            values.isEmpty ? nil : values.sorted()[values.count / 2]
        }
        return LoadPoint(
            load: first.load, offered: middle(points.map(\.offered)) ?? 0,
            throughput: middle(points.map(\.throughput)) ?? 0, refused: middle(points.map(\.refused)) ?? 0,
            median: middle(points.compactMap(\.median)), ninetieth: middle(points.compactMap(\.ninetieth)),
            ninetyNinth: middle(points.compactMap(\.ninetyNinth)), cost: middle(points.compactMap(\.cost)))
    }
}

/// What a system does under growing load.
public struct LoadCurve: Sendable {
    /// By load, the smallest first.
    public let points: [LoadPoint]

    /// A curve.
    public init(_ points: [LoadPoint]) {
        self.points = points.sorted { $0.load < $1.load }
    }

    /// The highest throughput.
    public var peak: Double { points.map(\.throughput).max() ?? 0 }

    /// The throughput at the greatest load, as a share of the peak; not a number of nothing. A system that
    /// is well-conditioned keeps it near 1.
    public var shareAtTheEnd: Double {
        guard let last = points.last, peak > 0 else { return .nan }
        return last.throughput / peak
    }

    /// CPU time an answer at the greatest load, as a multiple of the least; nil if it is not known. What a host
    /// that is not idle takes away in throughput, it does not add here.
    public var costAtTheEnd: Double? {
        guard let last = points.last?.cost, let least = points.compactMap(\.cost).min(), least > 0 else {
            return nil
        }
        return Double(last) / Double(least)
    }

    /// Drawings of throughput, and of the percentiles in microseconds, over the load.
    public var drawings: String {
        let throughput = LogPlot.Series(
            mark: "*", points: points.map { (x: $0.load, y: $0.throughput) })
        let percentiles: [(mark: Character, time: (LoadPoint) -> UInt64?)] = [
            ("9", { $0.ninetyNinth }), ("o", { $0.ninetieth }), ("5", { $0.median }),
        ]
        let times = percentiles.map { mark, time in
            LogPlot.Series(
                mark: mark,
                points: points.compactMap { point in
                    time(point).map { (x: point.load, y: max(Double($0) / 1000, 0.001)) }
                })
        }
        return LogPlot(title: "answers a second (*)", [throughput]).text() + "\n"
            + LogPlot(title: "µs from due to answered: 50 % (5), 90 % (o), 99 % (9)", times).text()
    }
}
