internal import HostSystem
internal import Stages

/// How much may pass a network device in a second, each way; nil is no limit.
public struct NetworkLimits: Equatable, Sendable {
    /// One limit.
    public struct Rate: Equatable, Sendable {
        /// Bytes or packets a second.
        public var perSecond: UInt64
        /// What may pass at once after a rest; nil for a fiftieth of a second's worth.
        public var burst: UInt64?

        /// A limit.
        public init(perSecond: UInt64, burst: UInt64? = nil) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    /// Bytes of frames that the guest receives.
    public var receiveBytes: Rate?
    /// Frames that the guest receives.
    public var receivePackets: Rate?
    /// Bytes of frames that the guest sends.
    public var sendBytes: Rate?
    /// Frames that the guest sends.
    public var sendPackets: Rate?

    /// No limits.
    public init() {}

    func receiveLimiter(at now: UInt64) -> RateLimiter {
        RateLimiter(bytes: Self.bucket(receiveBytes, now), operations: Self.bucket(receivePackets, now))
    }

    func sendLimiter(at now: UInt64) -> RateLimiter {
        RateLimiter(bytes: Self.bucket(sendBytes, now), operations: Self.bucket(sendPackets, now))
    }

    private static func bucket(_ rate: Rate?, _ now: UInt64) -> TokenBucket? {
        rate.map { TokenBucket(rate: $0.perSecond, burst: $0.burst, at: now) }
    }
}
