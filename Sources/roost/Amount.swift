internal import Stats

/// Numbers with units, for people.
enum Amount {
    /// A number of some unit.
    static func text(_ value: UInt64, _ unit: StatsUnit) -> String {
        switch unit {
        case .count, .none: "\(value)"
        case .bytes: size(value)
        case .nanoseconds: time(value)
        case .perSecond: "\(value)/s"
        case .bytesPerSecond: "\(size(value))/s"
        }
    }

    /// A size, binary: `3.1 MiB`.
    static func size(_ bytes: UInt64) -> String {
        let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = Double(bytes)
        var index = 0
        while value >= 1024, index < units.count - 1 {
            value /= 1024
            index += 1
        }
        return index == 0 ? "\(bytes) bytes" : "\(decimal(value)) \(units[index])"
    }

    /// A length of time: `12.3 ms`, `4.0 s`.
    static func time(_ nanoseconds: UInt64) -> String {
        let value = Double(nanoseconds)
        if value < 1e3 { return "\(nanoseconds) ns" }
        if value < 1e6 { return "\(decimal(value / 1e3)) us" }
        if value < 1e9 { return "\(decimal(value / 1e6)) ms" }
        return "\(decimal(value / 1e9)) s"
    }

    /// With one digit behind the point.
    static func decimal(_ value: Double) -> String {
        let tenths = (value * 10).rounded()
        guard tenths < 1e18 else { return "\(value)" }
        let whole = UInt64(max(tenths, 0))
        return "\(whole / 10).\(whole % 10)"
    }

    /// The least value that a histogram's bucket counts.
    static func bucketStart(_ bucket: Int) -> UInt64 {
        bucket == 0 ? 0 : bucket > 64 ? .max : 1 << UInt64(bucket - 1)
    }
}

/// Columns of text, the first to the left and the others behind it.
struct TextTable {
    private var rows: [[String]]

    init(_ title: [String]) {
        rows = [title]
    }

    mutating func add(_ row: [String]) {
        rows.append(row)
    }

    /// The lines, without spaces at their ends.
    var lines: [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell + String(repeating: " ", count: widths[column] - cell.count + 2)
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }
}
