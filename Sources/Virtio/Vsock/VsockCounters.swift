public import Stats

/// What a socket device has done since it was made.
public struct VsockCounts: Equatable, Sendable {
    /// Streams there are now.
    public internal(set) var streams: UInt64 = 0
    /// The most there were.
    public internal(set) var mostStreams: UInt64 = 0
    /// Streams that the host opened to the guest.
    public internal(set) var toGuest: UInt64 = 0
    /// Streams that the guest opened to the host.
    public internal(set) var toHost: UInt64 = 0
    /// Wishes of either side that came to nothing.
    public internal(set) var refusals: UInt64 = 0
    /// Streams that ended for a fault of either side: a lie about credit, a packet out of place, a time limit.
    public internal(set) var faults: UInt64 = 0
    /// Packets of the guest's that were dropped: not from its address, or of no use.
    public internal(set) var dropped: UInt64 = 0
    /// Packets from the guest.
    public internal(set) var packetsFromGuest: UInt64 = 0
    /// Packets to the guest.
    public internal(set) var packetsToGuest: UInt64 = 0
    /// Bytes of streams from the guest.
    public internal(set) var bytesFromGuest: UInt64 = 0
    /// Bytes of streams to the guest.
    public internal(set) var bytesToGuest: UInt64 = 0
}

/// The numbers of a socket device's section.
public struct VsockShape: Sendable {
    /// The one there is.
    public static let usual = VsockShape()
    /// The section's name.
    public static let section = "vsock"

    /// What to declare the section with.
    public let shape: StatsShape
    let slots: [StatsSlot]

    private init() {
        var shape = StatsShape()
        slots = [
            shape.gauge("streams"), shape.peak("streams.most"), shape.counter("opened.to-guest"),
            shape.counter("opened.to-host"), shape.counter("refusals"), shape.counter("faults"),
            shape.counter("packets.dropped"), shape.counter("packets.from-guest"),
            shape.counter("packets.to-guest"), shape.counter("bytes.from-guest", .bytes),
            shape.counter("bytes.to-guest", .bytes),
        ]
        self.shape = shape
    }
}

/// The cells of a section, or none.
struct VsockCells: Sendable {
    private let cells: [StatsCell]

    init(_ section: StatsSection?) {
        cells = section.map { section in VsockShape.usual.slots.map { section[$0] } } ?? []
    }

    /// Writes them. One thread at a time.
    func publish(_ counts: borrowing VsockCounts) {
        // As in the shape.
        guard cells.count == 11 else { return }
        cells[0].set(counts.streams)
        cells[1].set(counts.mostStreams)
        cells[2].set(counts.toGuest)
        cells[3].set(counts.toHost)
        cells[4].set(counts.refusals)
        cells[5].set(counts.faults)
        cells[6].set(counts.dropped)
        cells[7].set(counts.packetsFromGuest)
        cells[8].set(counts.packetsToGuest)
        cells[9].set(counts.bytesFromGuest)
        cells[10].set(counts.bytesToGuest)
    }
}
