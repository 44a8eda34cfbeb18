/// Repeated measurements of one quantity.
struct Sample {
    private(set) var values: [Double] = []

    mutating func add(_ value: Double) { values.append(value) }

    private var sorted: [Double] { values.sorted() }

    var isEmpty: Bool { values.isEmpty }

    /// The middle value, or the mean of the two in the middle.
    var median: Double {
        guard !values.isEmpty else { return .nan }
        let sorted = sorted
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    var minimum: Double { values.min() ?? .nan }

    /// The value nine tenths of all do not exceed.
    var ninetiethPercentile: Double {
        guard !values.isEmpty else { return .nan }
        return sorted[(values.count * 9 + 9) / 10 - 1]
    }
}

extension Double {
    /// Decimal digits with a fixed number of them behind the point.
    func fixed(_ places: Int) -> String {
        guard isFinite else { return "-" }
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let scaled = Int64((magnitude * scale).rounded())
        let digits = String(scaled)
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        let sign = self < 0 && scaled != 0 ? "-" : ""
        return places == 0 ? sign + padded : "\(sign)\(padded.dropLast(places)).\(padded.suffix(places))"
    }
}
