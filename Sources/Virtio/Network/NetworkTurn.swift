/// How a turn of a queue has ended: what brings the next one.
enum NetworkTurn: Equatable {
    /// A bell or the tap does, when there is something to do.
    case idle
    /// The batch was full, and more may be there.
    case more
    /// A limit is used up until a time by `HostClock.monotonicNanoseconds`.
    case until(UInt64)
    /// The tap is gone, as was found just now.
    case tapLost

    /// What one turn takes at most, so that the other queues and devices of the thread get theirs.
    static let frames = 64
    /// As `frames`, in bytes: four of the largest frames, some 50 µs of copying.
    static let bytes = 256 << 10
}

/// What the queues of a network device work with.
struct NetworkSurroundings: ~Copyable {
    let counters: NetworkCounters
    let features: FeatureSet
    /// The longest frame, header included, that the tap gives now.
    let longestFrame: Int
}
