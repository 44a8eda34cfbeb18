/// A limit on bytes and one on operations a second, of which a request needs both: a disk's or a network's.
///
/// A pure value: the time is given to it, in nanoseconds of any clock.
public struct RateLimiter: Sendable {
    private var bytes: TokenBucket?
    private var operations: TokenBucket?

    /// Limits as given; nil is no limit.
    public init(bytes: TokenBucket? = nil, operations: TokenBucket? = nil) {
        self.bytes = bytes
        self.operations = operations
    }

    /// Whether anything is limited.
    public var isLimiting: Bool { bytes != nil || operations != nil }

    /// Bytes a second; nil is no limit.
    public var bytesPerSecond: UInt64? { bytes?.rate }

    /// Operations a second; nil is no limit.
    public var operationsPerSecond: UInt64? { operations?.rate }

    /// Takes from both limits if both grant, else from neither.
    ///
    /// - Returns: the later of both times, where a request must wait.
    public mutating func take(bytes amount: UInt64, operations count: UInt64 = 1, at now: UInt64)
        -> TokenBucket.Answer
    {
        let first = bytes?.answer(at: now) ?? .granted
        let second = operations?.answer(at: now) ?? .granted
        switch (first, second) {
        case (.granted, .granted):
            bytes?.spend(amount)
            operations?.spend(count)
            return .granted
        case (.never, _), (_, .never): return .never
        case (.notBefore(let first), .notBefore(let second)): return .notBefore(max(first, second))
        case (.notBefore, .granted): return first
        case (.granted, .notBefore): return second
        }
    }

    /// Changes the limits from now on; nil is no limit. As `TokenBucket.change`.
    public mutating func change(bytesPerSecond: UInt64?, operationsPerSecond: UInt64?, at now: UInt64) {
        Self.change(&bytes, to: bytesPerSecond, at: now)
        Self.change(&operations, to: operationsPerSecond, at: now)
    }

    private static func change(_ bucket: inout TokenBucket?, to rate: UInt64?, at now: UInt64) {
        guard let rate else {
            bucket = nil
            return
        }
        if bucket == nil {
            bucket = TokenBucket(rate: rate, at: now)
        } else {
            bucket?.change(rate: rate, at: now)
        }
    }
}
