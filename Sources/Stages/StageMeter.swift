public import Stats

/// The numbers every stage has, as part of a section's shape.
public struct StageShape: Sendable {
    /// A section with these numbers alone.
    public static let usual: StageShape = {
        var shape = StatsShape()
        return StageShape(addingTo: &shape)
    }()

    /// Of `usual`, what to declare a section with.
    public let shape: StatsShape
    let arrivals: StatsSlot
    let completions: StatsSlot
    let refusals: StatsSlot
    let batches: StatsSlot
    let batchLimit: StatsSlot
    let queueLength: StatsSlot
    let queuePeak: StatsSlot
    let waiting: StatsHistogramSlot
    let service: StatsHistogramSlot

    /// Adds a stage's numbers to those a device has of its own. Once a shape.
    public init(addingTo shape: inout StatsShape) {
        arrivals = shape.counter("arrivals")
        completions = shape.counter("completions")
        refusals = shape.counter("refusals")
        batches = shape.counter("batches")
        batchLimit = shape.gauge("batch-limit")
        queueLength = shape.gauge("queue-length")
        queuePeak = shape.peak("queue-peak")
        waiting = shape.histogram("waiting", .nanoseconds, buckets: 36)
        service = shape.histogram("service", .nanoseconds, buckets: 36)
        self.shape = shape
    }
}

/// What a stage did, counted into the stats page: plain stores, no allocation.
///
/// `arrive`, `refuse` and `setQueueLength` are called by one thread at a time, and so are the others; these
/// two may be different threads.
public struct StageMeter: Sendable {
    private let arrivals: StatsCell
    private let completions: StatsCell
    private let refusals: StatsCell
    private let batches: StatsCell
    private let batchLimit: StatsCell
    private let queueLength: StatsCell
    private let queuePeak: StatsCell
    private let waiting: StatsHistogram
    private let service: StatsHistogram

    /// The meter of a section.
    ///
    /// - Precondition: the section was declared with a shape that holds these numbers.
    public init(_ section: StatsSection, _ shape: StageShape = .usual) {
        arrivals = section[shape.arrivals]
        completions = section[shape.completions]
        refusals = section[shape.refusals]
        batches = section[shape.batches]
        batchLimit = section[shape.batchLimit]
        queueLength = section[shape.queueLength]
        queuePeak = section[shape.queuePeak]
        waiting = section[shape.waiting]
        service = section[shape.service]
    }

    /// Events came, admitted or not.
    public func arrive(_ count: Int = 1) { arrivals.add(UInt64(truncatingIfNeeded: count)) }

    /// An event was not taken.
    public func refuse() { refusals.add() }

    /// So many wait now.
    public func setQueueLength(_ length: Int) {
        queueLength.set(UInt64(clamping: length))
        queuePeak.raise(to: UInt64(clamping: length))
    }

    /// An event has waited so long.
    public func wait(nanoseconds: UInt64) { waiting.record(nanoseconds) }

    /// An event was handled, which took so long.
    public func complete(nanoseconds: UInt64) {
        completions.add()
        service.record(nanoseconds)
    }

    /// A wake-up's events are done; the next takes as many as `limit`.
    public func finishBatch(limit: Int) {
        batches.add()
        batchLimit.set(UInt64(clamping: limit))
    }
}
