/// Over how long an estimate averages; nanoseconds, each shorter than the next.
public struct DemandSpans: Hashable, Sendable {
    /// How quickly an estimate rises.
    public let fast: UInt64
    /// How slowly it falls.
    public let slow: UInt64
    /// For whoever watches; no decision looks at it.
    public let trend: UInt64

    /// 0.1, 0.5 and 60 seconds. Who goes idle leaves its part to its neighbours in the pool within a second, and
    /// loses nothing by it: its weight stays that of its right at worst, so that it is served at once when it wakes.
    public static let usual = DemandSpans(known: 100_000_000, 500_000_000, 60_000_000_000)

    /// The longest span: a day.
    public static let longest: UInt64 = 86_400_000_000_000

    private init(known fast: UInt64, _ slow: UInt64, _ trend: UInt64) {
        self.fast = fast
        self.slow = slow
        self.trend = trend
    }

    /// Spans; nil unless they rise, from at least 1 ns to at most `longest`.
    public init?(fast: UInt64, slow: UInt64, trend: UInt64) {
        guard fast > 0, fast < slow, slow < trend, trend <= Self.longest else { return nil }
        self.init(known: fast, slow, trend)
    }
}

/// Estimates how much CPU a VM would use if it got all it asks for.
///
/// In an interval a VM's demand is what it used and the fair part of the time it was kept waiting: had it not
/// waited, it would have run and slept as it did when it could (Gulati et al., VMware Technical Journal
/// 2012):
///
///     demand = used + used / (used + slept) × (ready + limited)
///
/// A VM that waited and could not run at all would have run all that time. Moving averages of several
/// spans smooth this. The estimate is the greater one of the fast and the slow average, so that it rises
/// quickly and falls slowly. All of it is in whole numbers: the same inputs give the same estimate on every
/// machine.
public struct DemandEstimator: Hashable, Sendable {
    /// Averages in 2⁻¹⁶ of a millionth of a CPU: fast, slow, trend. Nil before the first interval.
    var averages: Averages?

    struct Averages: Hashable, Sendable {
        var fast: UInt64
        var slow: UInt64
        var trend: UInt64
    }

    static let fractionBits: UInt64 = 16
    /// More than any average.
    static let greatest = UInt64(CPUAmount.greatest) << fractionBits

    /// An estimator that has seen nothing.
    public init() {}

    /// Takes one interval into the averages. An interval of no length says nothing, and changes nothing.
    ///
    /// - Parameters:
    ///   - times: more than the virtual CPUs have in the interval counts as all they have.
    ///   - elapsed: the interval's length in nanoseconds.
    public mutating func observe(_ times: CPUTimes, elapsed: UInt64, virtualCPUs: Int, spans: DemandSpans) {
        guard let value = Self.value(times, elapsed: elapsed, virtualCPUs: virtualCPUs) else { return }
        guard let old = averages else {
            averages = Averages(fast: value, slow: value, trend: value)
            return
        }
        averages = Averages(
            fast: Self.mix(old.fast, value, elapsed, spans.fast),
            slow: Self.mix(old.slow, value, elapsed, spans.slow),
            trend: Self.mix(old.trend, value, elapsed, spans.trend))
    }

    /// The estimate; nil before the first interval.
    public var demand: CPUAmount? { averages.map { Self.amount(max($0.fast, $0.slow)) } }

    /// The average over the longest span; nil before the first interval.
    public var trend: CPUAmount? { averages.map { Self.amount($0.trend) } }

    /// The demand of one interval by itself; nil if it has no length.
    public static func demand(of times: CPUTimes, elapsed: UInt64, virtualCPUs: Int) -> CPUAmount? {
        value(times, elapsed: elapsed, virtualCPUs: virtualCPUs).map(amount)
    }

    private static func value(_ times: CPUTimes, elapsed: UInt64, virtualCPUs: Int) -> UInt64? {
        guard elapsed > 0 else { return nil }
        let processors = min(max(virtualCPUs, 1), VMSettings.mostVirtualCPUs)
        let all = UInt128(elapsed) * UInt128(processors)
        let used = min(UInt128(times.used), all)
        let waited = min(UInt128(times.ready) + UInt128(times.limited), all - used)
        let slept = all - used - waited
        let fairPart = used == 0 ? waited : Self.product(used, waited, by: used + slept)
        let (whole, rest) = (used + fairPart).quotientAndRemainder(dividingBy: UInt128(elapsed))
        let scale = UInt128(1_000_000) << UInt128(fractionBits)
        return UInt64(whole * scale + rest * scale / UInt128(elapsed))
    }

    /// `one` × `other` / `divisor`, where `one` is not above `divisor` and `other` has 65 bits at most. Times of more
    /// than 63 bits lose the low ones: the product is then one of 63 bits and 64.
    private static func product(_ one: UInt128, _ other: UInt128, by divisor: UInt128) -> UInt128 {
        let excess = max(0, 65 - divisor.leadingZeroBitCount)
        let shift = UInt128(excess)
        return ((one >> shift) * (other >> shift) / max(divisor >> shift, 1)) << shift
    }

    /// The average after an interval: an exponential one, in the form that needs no exponential function
    /// and stays between the old average and the value for every length of interval.
    private static func mix(_ average: UInt64, _ value: UInt64, _ elapsed: UInt64, _ span: UInt64) -> UInt64 {
        let weighed = UInt128(average) * UInt128(span) + UInt128(value) * UInt128(elapsed)
        return UInt64(weighed / (UInt128(span) + UInt128(elapsed)))
    }

    /// Rounded up: who is nearly idle still wants something.
    private static func amount(_ value: UInt64) -> CPUAmount {
        let whole = value >> fractionBits
        let rest = value & (1 << fractionBits - 1)
        return CPUAmount(clamping: Int64(whole) + (rest > 0 ? 1 : 0))
    }
}
