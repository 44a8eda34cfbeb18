/// A metric with its value at one moment.
public struct StatsValue: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// How it changes.
    public let kind: StatsKind
    /// What it counts.
    public let unit: StatsUnit
    /// Its cells: one, or a histogram's buckets and then the sum of its values.
    public let cells: [UInt64]

    /// The number; of a histogram, how many values it has. Nil for an identifier of nothing.
    public var number: UInt64? {
        guard kind != .histogram else { return buckets.reduce(0, &+) }
        let value = cells.first
        return kind == .identifier && value == StatsCell.nothing ? nil : value
    }

    /// A histogram's buckets; otherwise none. Bucket 0 counts zeros, bucket n the values from 2^(n-1) to
    /// 2^n - 1, the last one also everything above.
    public var buckets: ArraySlice<UInt64> { kind == .histogram ? cells.dropLast() : [] }

    /// The sum of a histogram's values; otherwise nil.
    public var sum: UInt64? { kind == .histogram ? cells.last : nil }
}

/// A section at one moment.
public struct StatsSectionSnapshot: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// Whether all values are of one moment as far as their writer brackets them. If not, the reader gave
    /// up: the writer never finished a change, or was always at one. Each number for itself is right all the same.
    public let isConsistent: Bool
    /// The values, in the page's order.
    public let values: [StatsValue]

    /// The number of a metric; nil if there is no such metric, or an identifier of nothing.
    public subscript(_ name: String) -> UInt64? {
        values.first { $0.name == name }?.number
    }
}

/// All of a page at one moment.
public struct StatsSnapshot: Sendable, Equatable {
    /// The process that writes the page.
    public let process: Int32
    /// When the page was made: `HostClock.bootNanoseconds`. The process is older.
    public let bootTime: UInt64
    /// When the page was made: `HostClock.monotonicNanoseconds`.
    public let monotonicTime: UInt64
    /// When the page was made: `HostClock.realNanoseconds`.
    public let realTime: UInt64
    /// When this was read: `HostClock.monotonicNanoseconds`.
    public let readTime: UInt64
    /// The sections, in the page's order.
    public let sections: [StatsSectionSnapshot]

    /// The section of a name.
    public subscript(_ name: String) -> StatsSectionSnapshot? {
        sections.first { $0.name == name }
    }
}
