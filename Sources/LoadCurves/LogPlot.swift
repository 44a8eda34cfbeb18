internal import Glibc

/// A drawing of characters, both axes logarithmic.
public struct LogPlot {
    /// Points that belong together.
    public struct Series {
        /// How they are drawn.
        public let mark: Character
        /// Where they are; those that are not above 0 are left out.
        public let points: [(x: Double, y: Double)]

        /// A series.
        public init(mark: Character, points: [(x: Double, y: Double)]) {
            self.mark = mark
            self.points = points
        }
    }

    private let title: String
    private let series: [Series]

    /// A drawing; what comes first is covered by what comes later.
    public init(title: String, _ series: [Series]) {
        self.title = title
        self.series = series.map { series in
            Series(
                mark: series.mark,
                points: series.points.filter { $0.x > 0 && $0.y > 0 && $0.x.isFinite && $0.y.isFinite })
        }
    }

    /// The lines, each ended by a line feed.
    ///
    /// - Parameters:
    ///   - columns: of the field, at least 2.
    ///   - rows: of the field, at least 2.
    public func text(columns: Int = 61, rows: Int = 12) -> String {
        let all = series.flatMap(\.points)
        guard let x = Axis(all.map(\.x), steps: columns), let y = Axis(all.map(\.y), steps: rows) else {
            return "  \(title): nothing\n"
        }
        var field = [[Character]](repeating: [Character](repeating: " ", count: columns), count: rows)
        for series in series {
            for point in series.points {
                field[rows - 1 - y.step(of: point.y)][x.step(of: point.x)] = series.mark
            }
        }
        var labels = [String](repeating: "", count: rows)
        for tick in y.ticks { labels[rows - 1 - y.step(of: tick)] = Self.label(tick) }
        let width = labels.map(\.count).max() ?? 0
        var lines = ["  \(title)"]
        for (label, row) in zip(labels, field) {
            var end = row.endIndex
            while end > 0, row[end - 1] == " " { end -= 1 }
            let padding = String(repeating: " ", count: width - label.count)
            lines.append("  \(padding)\(label) \(label.isEmpty ? "|" : "+")\(String(row[..<end]))")
        }
        var ruler = [Character](repeating: "-", count: columns)
        // Room for a number that begins at the last column.
        var numbers = [Character](repeating: " ", count: columns + 8)
        for tick in x.ticks {
            ruler[x.step(of: tick)] = "+"
            for (offset, character) in Self.label(tick).enumerated() where offset < 8 {
                numbers[x.step(of: tick) + offset] = character
            }
        }
        while numbers.last == " " { numbers.removeLast() }
        let margin = String(repeating: " ", count: width + 3)
        lines += ["\(margin)+\(String(ruler))", "\(margin) \(String(numbers))"]
        return lines.map { $0 + "\n" }.joined()
    }

    /// 0.1, 1, 10, 1k, 10M.
    private static func label(_ value: Double) -> String {
        let units: [(Double, String)] = [(1e9, "G"), (1e6, "M"), (1e3, "k")]
        for (size, unit) in units where value >= size * 0.999 {
            return "\(Int((value / size).rounded()))\(unit)"
        }
        return value >= 0.999 ? "\(Int(value.rounded()))" : "\((value * 1000).rounded() / 1000)"
    }
}

/// From a power of ten to a power of ten.
private struct Axis {
    private let low: Int
    private let high: Int
    private let steps: Int

    init?(_ values: [Double], steps: Int) {
        guard let least = values.min(), let most = values.max(), steps >= 2 else { return nil }
        // A thousandth: 0.1 and 1000 have no exact logarithm.
        low = Int(floor(log10(least) + 0.001))
        high = max(low + 1, Int(ceil(log10(most) - 0.001)))
        self.steps = steps
    }

    func step(of value: Double) -> Int {
        let place = (log10(value) - Double(low)) / Double(high - low) * Double(steps - 1)
        return min(max(Int(place.rounded()), 0), steps - 1)
    }

    var ticks: [Double] { (low...high).map { pow(10, Double($0)) } }
}
