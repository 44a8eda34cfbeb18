internal import HostSystem
public import Stats

/// The numbers of a disk's section, `block.ID`. Written with the device's lock held.
public struct BlockShape: Sendable {
    /// The one there is.
    public static let usual = BlockShape()
    /// A disk's section's name.
    public static func section(_ id: String) -> String { "block.\(id)" }

    /// All of them.
    public let shape: StatsShape
    /// Requests that read.
    public let reads: StatsSlot
    /// Bytes that were read.
    public let readBytes: StatsSlot
    /// Requests that write.
    public let writes: StatsSlot
    /// Bytes that were written.
    public let writtenBytes: StatsSlot
    /// Requests to bring what was written to the medium.
    public let flushes: StatsSlot
    /// Ranges that the guest gave back.
    public let discards: StatsSlot
    /// Ranges that were made zero.
    public let zeroes: StatsSlot
    /// Requests that were answered with an I/O error.
    public let errors: StatsSlot
    /// Requests that had to wait for a limit.
    public let throttled: StatsSlot
    /// Reads that the host's memory answered at once.
    public let cached: StatsSlot
    /// Requests under way.
    public let inFlight: StatsSlot
    /// Times from taking a request to giving it back, the wait for a limit included.
    public let latency: StatsHistogramSlot

    private init() {
        var shape = StatsShape()
        reads = shape.counter("reads")
        readBytes = shape.counter("read", .bytes)
        writes = shape.counter("writes")
        writtenBytes = shape.counter("written", .bytes)
        flushes = shape.counter("flushes")
        discards = shape.counter("discards")
        zeroes = shape.counter("zeroes")
        errors = shape.counter("errors")
        throttled = shape.counter("throttled")
        cached = shape.counter("cached")
        inFlight = shape.gauge("in-flight")
        latency = shape.histogram("latency", .nanoseconds, buckets: 36)
        self.shape = shape
    }
}

/// A disk's cells.
public struct BlockCounters: Sendable {
    /// As in `BlockShape`.
    public let reads, readBytes, writes, writtenBytes, flushes, discards, zeroes, errors: StatsCell
    /// As in `BlockShape`.
    public let throttled, cached, inFlight: StatsCell
    let latency: StatsHistogram

    init(_ section: StatsSection) {
        let shape = BlockShape.usual
        reads = section[shape.reads]
        readBytes = section[shape.readBytes]
        writes = section[shape.writes]
        writtenBytes = section[shape.writtenBytes]
        flushes = section[shape.flushes]
        discards = section[shape.discards]
        zeroes = section[shape.zeroes]
        errors = section[shape.errors]
        throttled = section[shape.throttled]
        cached = section[shape.cached]
        inFlight = section[shape.inFlight]
        latency = section[shape.latency]
    }
}
