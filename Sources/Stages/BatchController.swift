/// How many events one wake-up of a stage takes: SEDA's batching controller (Welsh, Culler and Brewer,
/// SOSP 2001, §3.4).
///
/// Large batches spread the cost of a wake-up, small ones answer soon and leave the thread to others. While
/// there is a backlog the controller shrinks the batch as long as the output keeps up with the best it has
/// seen, and backs off when it falls. When the backlog is gone the batch is the largest again, so that the
/// next burst is taken whole.
///
/// A pure value: time is given to it.
public struct BatchController: Sendable {
    /// Batches between two decisions.
    private static let batchesPerDecision = 16
    /// Decisions to stay after the output fell, before it tries again to shrink.
    private static let decisionsOfRest = 16

    /// The smallest size.
    public let minimum: Int
    /// The largest size.
    public let maximum: Int
    /// How many events to take next.
    public private(set) var size: Int

    private var batches = 0
    private var fullBatches = 0
    private var events: UInt64 = 0
    private var busy: UInt64 = 0
    /// The best output seen in this backlog, in events a second.
    private var best = 0.0
    private var rest = 0

    /// Begins with the largest size.
    ///
    /// - Parameters:
    ///   - minimum: at least 1.
    ///   - maximum: at least the minimum.
    public init(minimum: Int = 1, maximum: Int = 256) {
        precondition(minimum >= 1 && maximum >= minimum)
        self.minimum = minimum
        self.maximum = maximum
        size = maximum
    }

    /// Learns from a batch.
    ///
    /// - Parameters:
    ///   - count: events in it.
    ///   - left: events that waited when it was done.
    ///   - nanoseconds: from the wake-up, or the end of the batch before, to its end.
    public mutating func finish(count: Int, left: Int, nanoseconds: UInt64) {
        batches += 1
        if left > 0 && count >= size { fullBatches += 1 }
        events &+= UInt64(max(count, 0))
        busy = busy.addingReportingOverflow(nanoseconds).overflow ? .max : busy + nanoseconds
        guard batches == Self.batchesPerDecision else { return }
        decide()
        (batches, fullBatches, events, busy) = (0, 0, 0, 0)
    }

    private mutating func decide() {
        // The size was no bound: nothing is learnt of it, and the load has dropped.
        guard fullBatches > Self.batchesPerDecision / 2 else {
            (size, best, rest) = (maximum, 0, 0)
            return
        }
        let output = Double(events) * 1e9 / Double(max(busy, 1))
        if output < 0.95 * best {
            if size == maximum {
                // The events themselves have become dearer.
                best = output
            } else {
                size = min(maximum, size + max(1, size / 2))
                rest = Self.decisionsOfRest
            }
            return
        }
        best = max(best, output)
        if rest > 0 { rest -= 1 } else { size = max(minimum, size - max(1, size / 8)) }
    }
}
