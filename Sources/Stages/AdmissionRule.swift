/// Whether a stage takes an event.
public enum Admission: Equatable, Sendable {
    /// It will be handled.
    case admitted
    /// It will not; the caller keeps it, and can tell whoever sent it.
    case refused(Refusal)
}

/// Why a stage takes no event.
public enum Refusal: Equatable, Sendable {
    /// As many wait as may.
    case queueFull
    /// More come than the stage's rate; nil: none will ever be taken at this rate.
    case overRate(notBefore: UInt64?)
    /// Those that are taken already wait longer than the stage's target.
    case tooSlow
    /// The stage has ended.
    case ended
}

/// Decides which events a stage takes: a bound on its queue; if wanted, a rate; and, if wanted, a target for
/// the time an event needs.
///
/// A pure value: the time is given to it, in nanoseconds of any clock.
public struct AdmissionRule: Sendable {
    /// The most events that wait.
    public let queueLimit: Int
    /// Events a second; nil is no limit.
    public var rate: TokenBucket?
    /// The target; nil is none.
    public private(set) var target: ResponseTarget?

    /// A rule.
    ///
    /// - Parameter queueLimit: at least 1.
    public init(queueLimit: Int, rate: TokenBucket? = nil, target: ResponseTarget? = nil) {
        precondition(queueLimit >= 1)
        self.queueLimit = queueLimit
        self.rate = rate
        self.target = target
    }

    /// Decides on one event, and counts it if it is taken.
    public mutating func decide(queueLength: Int, at now: UInt64) -> Admission {
        guard queueLength < queueLimit else { return .refused(.queueFull) }
        switch rate?.answer(at: now) {
        case .notBefore(let time): return .refused(.overRate(notBefore: time))
        case .never: return .refused(.overRate(notBefore: nil))
        case .granted, nil: break
        }
        if target?.admit(at: now) == false { return .refused(.tooSlow) }
        rate?.spend(1)
        return .admitted
    }

    /// Learns how long an event took, from `decide` to the end of its handling.
    public mutating func finish(nanoseconds: UInt64, at now: UInt64) {
        target?.finish(nanoseconds: nanoseconds, at: now)
    }
}
