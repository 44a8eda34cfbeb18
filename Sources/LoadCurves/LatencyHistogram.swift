/// How often which times came, in memory of fixed size: each is known to a sixteenth of itself.
public struct LatencyHistogram: Sendable {
    private static let steps = 16
    private var buckets = [UInt64](repeating: 0, count: 61 * steps)
    /// How many there are.
    public private(set) var count: UInt64 = 0
    /// The longest, in nanoseconds.
    public private(set) var largest: UInt64 = 0

    /// No times yet.
    public init() {}

    /// Adds a time.
    public mutating func record(nanoseconds: UInt64) {
        count += 1
        largest = max(largest, nanoseconds)
        buckets[Self.bucket(of: nanoseconds)] += 1
    }

    /// The time that this share of all does not exceed, rounded up to its bucket's end; nil if there are none.
    ///
    /// - Parameter share: from 0 to 1.
    public func percentile(_ share: Double) -> UInt64? {
        guard count > 0 else { return nil }
        let wanted = max(1, UInt64((Double(count) * min(max(share, 0), 1)).rounded(.up)))
        var below: UInt64 = 0
        for (bucket, amount) in buckets.enumerated() {
            below += amount
            if below >= wanted { return min(Self.end(of: bucket), largest) }
        }
        return largest
    }

    private static func bucket(of value: UInt64) -> Int {
        guard value >= steps else { return Int(value) }
        let shift = 63 - value.leadingZeroBitCount - 4
        return (shift + 1) * steps + Int(value >> UInt64(shift)) - steps
    }

    private static func end(of bucket: Int) -> UInt64 {
        guard bucket >= steps else { return UInt64(bucket) }
        let shift = UInt64(bucket / steps - 1)
        let next = UInt64(bucket % steps + steps + 1)
        // The last bucket ends with the largest number there is.
        return shift == 59 && next == 32 ? .max : next << shift - 1
    }
}
