/// Keeps the 90th percentile of the time an event needs near a target, by taking fewer: the rate at which
/// events are taken falls by a factor when the target is missed, and rises by a sum when there is room
/// (Welsh and Culler, USITS 2003, §3). It falls from what the stage puts out if that is less: so one step
/// ends the growth of a backlog. Then only events taken since count, since the others wait for the past.
///
/// A pure value: the time is given to it, in nanoseconds of any clock.
public struct ResponseTarget: Sendable {
    /// Times between two decisions, if that many come in `period`.
    private static let timesPerDecision = 100
    /// The longest time between two decisions, in nanoseconds.
    private static let period: UInt64 = 1_000_000_000
    /// How much of the estimate stays when new times come.
    private static let memory = 0.7
    private static let decrease = 1.2

    /// The target in nanoseconds.
    public let nanoseconds: UInt64
    /// Events a second that are taken at least.
    public let minimumRate: UInt64
    /// Events a second that are taken at most.
    public let maximumRate: UInt64
    /// The 90th percentile lately, in nanoseconds; 0 as long as none is known.
    public private(set) var estimate: UInt64 = 0

    /// Whether the estimate has nothing to go on: it is of before the rate fell.
    private var isFresh = true
    private let increment: Double
    private var bucket: TokenBucket
    private var rate: Double
    private var times: [UInt64] = []
    private var lastDecision: UInt64
    /// Events that ended since then.
    private var completions = 0
    /// When the rate was changed: events from before tell nothing of the new one.
    private var lastChange: UInt64

    /// A target that begins with the largest rate.
    ///
    /// - Parameters:
    ///   - nanoseconds: at least 1.
    ///   - rates: events a second, from at least 1.
    ///   - increment: events a second by which the rate rises when events need no time at all; nil is a
    ///     fiftieth of the largest rate.
    public init(nanoseconds: UInt64, rates: ClosedRange<UInt64>, increment: UInt64? = nil, at now: UInt64) {
        precondition(nanoseconds >= 1 && rates.lowerBound >= 1)
        self.nanoseconds = nanoseconds
        minimumRate = rates.lowerBound
        maximumRate = rates.upperBound
        self.increment = Double(max(increment ?? maximumRate / 50, 1))
        rate = Double(maximumRate)
        bucket = TokenBucket(rate: maximumRate, at: now)
        lastDecision = now
        lastChange = now
        times.reserveCapacity(Self.timesPerDecision)
    }

    /// Events a second that are taken now.
    public var currentRate: UInt64 { bucket.rate }

    mutating func admit(at now: UInt64) -> Bool {
        bucket.take(1, at: now) == .granted
    }

    mutating func finish(nanoseconds time: UInt64, at now: UInt64) {
        completions += 1
        guard now >= lastChange, now - lastChange >= time else { return }
        if times.count < Self.timesPerDecision { times.append(time) }
        let isTime = now >= lastDecision && now - lastDecision >= Self.period
        if times.count == Self.timesPerDecision || isTime { decide(now) }
    }

    private mutating func decide(_ now: UInt64) {
        times.sort()
        let percentile = Double(times[(times.count - 1) * 9 / 10])
        times.removeAll(keepingCapacity: true)
        let output =
            Double(completions) * 1e9 / Double(max(1, Int64(clamping: now) - Int64(clamping: lastDecision)))
        lastDecision = now
        completions = 0
        let smooth =
            isFresh ? percentile : Self.memory * Double(estimate) + (1 - Self.memory) * percentile
        estimate = smooth < 0x1p63 ? UInt64(smooth) : 1 << 63
        isFresh = false
        let error = (smooth - Double(nanoseconds)) / Double(nanoseconds)
        if error > 0 {
            rate = min(rate, output) / Self.decrease
            isFresh = true
        } else if error < -0.5 {
            rate += increment * -error
        } else {
            return
        }
        rate = min(max(rate, Double(minimumRate)), Double(maximumRate))
        let next = rate < Double(maximumRate) ? UInt64(rate) : maximumRate
        bucket.change(rate: min(max(next, minimumRate), maximumRate), at: now)
        lastChange = now
    }
}
