/// Lets through so much a second: tokens flow in at a rate, up to a burst, and requests take them out.
///
/// A request is granted as soon as the bucket is not empty, and may take more than there is; the debt then
/// delays the next one. So a request of any size passes, the rate holds over any time to within the burst
/// and one request, and a caller who comes late for his turn loses nothing until he is late by a whole
/// burst. Nothing is rounded: the level is counted in billionths of a token, which is what a rate of one
/// token a second brings in a nanosecond.
///
/// A pure value: the time is given to it, in nanoseconds of any clock.
public struct TokenBucket: Sendable {
    /// What a bucket answers a request.
    public enum Answer: Equatable, Sendable {
        /// The tokens are taken.
        case granted
        /// Nothing is taken; at this time, and no nanosecond before, a request of any size is granted.
        case notBefore(UInt64)
        /// Nothing is taken, and never will be at this rate, which is 0.
        case never
    }

    private static let nanosPerToken: Int128 = 1_000_000_000

    /// Tokens a second.
    public private(set) var rate: UInt64
    /// The most tokens that gather while nobody takes any; at least 1.
    public private(set) var burst: UInt64
    /// In billionths; less than zero is a debt.
    private var level: Int128
    /// The latest time that was given.
    private var time: UInt64

    /// A full bucket.
    ///
    /// - Parameters:
    ///   - rate: tokens a second; 0 grants the first burst and no more.
    ///   - burst: nil is what `usualBurst` says; 0 counts as 1.
    ///   - now: nanoseconds.
    public init(rate: UInt64, burst: UInt64? = nil, at now: UInt64) {
        self.rate = rate
        self.burst = max(burst ?? Self.usualBurst(rate: rate), 1)
        level = Int128(self.burst) * Self.nanosPerToken
        time = now
    }

    /// What flows in within 20 ms, and one token more: enough for a caller whose timer is that late, and
    /// little enough that a second's amount is right to a fiftieth.
    public static func usualBurst(rate: UInt64) -> UInt64 { rate / 50 + 1 }

    /// Takes tokens if the bucket is not empty.
    ///
    /// - Parameters:
    ///   - amount: any; 0 takes nothing, but waits like everybody.
    ///   - now: nanoseconds; a time before the latest counts as the latest.
    public mutating func take(_ amount: UInt64, at now: UInt64) -> Answer {
        let answer = answer(at: now)
        if answer == .granted { spend(amount) }
        return answer
    }

    /// What `take` would answer.
    public mutating func answer(at now: UInt64) -> Answer {
        refill(now)
        guard level <= 0 else { return .granted }
        guard rate > 0 else { return .never }
        // The first nanosecond after which the level is above zero.
        let wait = -level / Int128(rate) + 1
        let (end, isTooLate) = time.addingReportingOverflow(UInt64(clamping: wait))
        return .notBefore(isTooLate ? .max : end)
    }

    /// Takes tokens that are granted already.
    mutating func spend(_ amount: UInt64) {
        // A debt has a bound, so that no number of requests without an answer makes the level overflow.
        let least = -Int128(UInt64.max) * Self.nanosPerToken
        level = max(level - Int128(amount) * Self.nanosPerToken, least)
    }

    /// Changes the rate from now on. What had gathered stays, up to the new burst; a debt delays the next
    /// request no longer than it would have before.
    ///
    /// - Parameter burst: nil is what `usualBurst` says; 0 counts as 1.
    public mutating func change(rate: UInt64, burst: UInt64? = nil, at now: UInt64) {
        refill(now)
        if level < 0 {
            // A rate of 0 had no end of waiting: the debt is forgiven.
            if self.rate == 0 {
                level = 0
            } else if rate < self.rate {
                level = max(level, level / Int128(self.rate) * Int128(rate))
            }
        }
        self.rate = rate
        self.burst = max(burst ?? Self.usualBurst(rate: rate), 1)
        level = min(level, Int128(self.burst) * Self.nanosPerToken)
    }

    private mutating func refill(_ now: UInt64) {
        guard now > time else { return }
        let room = Int128(burst) * Self.nanosPerToken - level
        let inflow = UInt128(rate) * UInt128(now - time)
        level += inflow >= UInt128(room) ? room : Int128(inflow)
        time = now
    }
}
