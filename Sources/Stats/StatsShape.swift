/// What a number counts. The raw value is the byte in the page.
public enum StatsUnit: UInt8, Sendable, CaseIterable {
    /// Events or things.
    case count = 0
    /// Bytes.
    case bytes = 1
    /// Nanoseconds, of `HostClock.monotonicNanoseconds` where it is a moment.
    case nanoseconds = 2
    /// Operations a second.
    case perSecond = 3
    /// Bytes a second.
    case bytesPerSecond = 4
    /// A number that is no amount: a thread, a descriptor, an address.
    case none = 255
}

/// How a number changes. The raw value is the byte in the page.
public enum StatsKind: UInt8, Sendable, CaseIterable {
    /// Only grows, so its rate means something.
    case counter = 0
    /// Goes up and down: what is, now.
    case gauge = 1
    /// The greatest value so far.
    case peak = 2
    /// Cells of a distribution: see `StatsHistogram`.
    case histogram = 3
    /// Set once; `StatsCell.nothing` where there is none.
    case identifier = 4
}

/// One named number, or histogram, of a section.
public struct StatsMetric: Sendable {
    /// Its name: small letters, digits and hyphens; unique in its section.
    public let name: StaticString
    /// How it changes.
    public let kind: StatsKind
    /// What it counts.
    public let unit: StatsUnit
    /// The 64-bit cells it takes: 1, or a histogram's buckets and its sum.
    public let cellCount: Int
    let firstCell: Int
}

/// Where in a section of a given shape a number lies.
public struct StatsSlot: Sendable {
    let cell: Int
}

/// Where in a section of a given shape a histogram lies.
public struct StatsHistogramSlot: Sendable {
    let firstCell: Int
    let bucketCount: Int
}

/// The numbers all sections of one kind have, in order: those of a virtual CPU, of a disk.
///
/// Made once for each kind of device, and shared by all sections that are declared with it:
/// ```
/// struct QueueStatistics {
///     static let usual = QueueStatistics()
///     let shape: StatsShape
///     let requests: StatsSlot
///     init() {
///         var shape = StatsShape()
///         requests = shape.counter("requests")
///         self.shape = shape
///     }
/// }
/// ```
public struct StatsShape: Sendable {
    /// The numbers so far.
    public private(set) var metrics: [StatsMetric] = []
    /// The cells they take together.
    public private(set) var cellCount = 0

    /// No numbers yet.
    public init() {}

    /// Adds a number that only grows.
    public mutating func counter(_ name: StaticString, _ unit: StatsUnit = .count) -> StatsSlot {
        add(name, .counter, unit)
    }

    /// Adds a number that goes up and down.
    public mutating func gauge(_ name: StaticString, _ unit: StatsUnit = .count) -> StatsSlot {
        add(name, .gauge, unit)
    }

    /// Adds a number that is the greatest of its kind so far; see `StatsCell.raise`.
    public mutating func peak(_ name: StaticString, _ unit: StatsUnit = .count) -> StatsSlot {
        add(name, .peak, unit)
    }

    /// Adds a number that is set once.
    public mutating func identifier(_ name: StaticString, _ unit: StatsUnit = .none) -> StatsSlot {
        add(name, .identifier, unit)
    }

    /// Adds a distribution.
    ///
    /// - Parameter buckets: 2 to 65. Bucket 0 counts zeros, bucket n the values from 2^(n-1) to 2^n - 1, and
    ///   the last one also everything above: 32 buckets of nanoseconds tell apart up to 1.07 s.
    public mutating func histogram(
        _ name: StaticString, _ unit: StatsUnit, buckets: Int = 32
    ) -> StatsHistogramSlot {
        precondition(buckets >= 2 && buckets <= 65)
        let slot = add(name, .histogram, unit, cells: buckets + 1)
        return StatsHistogramSlot(firstCell: slot.cell, bucketCount: buckets)
    }

    private mutating func add(
        _ name: StaticString, _ kind: StatsKind, _ unit: StatsUnit, cells: Int = 1
    ) -> StatsSlot {
        let slot = StatsSlot(cell: cellCount)
        metrics.append(
            StatsMetric(name: name, kind: kind, unit: unit, cellCount: cells, firstCell: cellCount))
        cellCount += cells
        return slot
    }
}

/// A section a page is to have: its name and its shape. Give each thread that counts a section of its own.
public struct StatsDeclaration: Sendable {
    /// Its name: letters, digits, dots and hyphens, at most 64 bytes; unique in the page: `vcpu0`, `block.disk0`.
    public let name: String
    /// Its numbers.
    public let shape: StatsShape

    /// A section by name and shape.
    public init(_ name: String, _ shape: StatsShape) {
        self.name = name
        self.shape = shape
    }
}
