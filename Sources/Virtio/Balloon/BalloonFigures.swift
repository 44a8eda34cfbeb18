public import Stats

/// What a balloon has done since its machine was made.
public struct BalloonFigures: Equatable, Sendable {
    /// Pages the guest put in.
    public internal(set) var inflatedPages: UInt64 = 0
    /// Pages the guest took out.
    public internal(set) var deflatedPages: UInt64 = 0
    /// Pages the guest put in that were in, or took out that were not.
    public internal(set) var repeatedPages: UInt64 = 0
    /// Numbers of pages that are not RAM, which changed nothing.
    public internal(set) var ignoredPages: UInt64 = 0
    /// Pages the guest reported free, and that were given back to the host.
    public internal(set) var reportedPages: UInt64 = 0
    /// Pages the guest named when it was asked for free ones, and that were given back to the host.
    public internal(set) var hintedPages: UInt64 = 0
    /// System calls that gave pages back.
    public internal(set) var discardCalls: UInt64 = 0
    /// Pages the host's kernel did not take back.
    public internal(set) var refusedPages: UInt64 = 0
}

/// A balloon's numbers on the stats page.
public struct BalloonShape: Sendable {
    /// The one there is.
    public static let usual = BalloonShape()

    /// All of them.
    public let shape: StatsShape
    let target: StatsSlot
    let held: StatsSlot
    let claimed: StatsSlot
    let inflated: StatsSlot
    let deflated: StatsSlot
    let repeated: StatsSlot
    let ignored: StatsSlot
    let reported: StatsSlot
    let hinted: StatsSlot
    let calls: StatsSlot
    let refused: StatsSlot
    let reports: StatsSlot
    let guest: [StatsSlot]

    private init() {
        var shape = StatsShape()
        target = shape.gauge("target", .bytes)
        held = shape.gauge("held", .bytes)
        claimed = shape.gauge("claimed", .bytes)
        inflated = shape.counter("inflated", .bytes)
        deflated = shape.counter("deflated", .bytes)
        repeated = shape.counter("repeated-pages")
        ignored = shape.counter("ignored-pages")
        reported = shape.counter("reported", .bytes)
        hinted = shape.counter("hinted", .bytes)
        calls = shape.counter("discard-calls")
        refused = shape.counter("refused-pages")
        reports = shape.counter("guest.reports")
        guest = GuestStatistic.allCases.map { shape.gauge($0.statsName, $0.isBytes ? .bytes : .count) }
        self.shape = shape
    }
}

/// A balloon's cells.
struct BalloonCells: Sendable {
    private let section: StatsSection
    private let shape = BalloonShape.usual

    init(_ section: StatsSection) {
        self.section = section
    }

    /// Shows what there is. With the device's lock held.
    func show(_ figures: BalloonFigures, target: UInt64, held: UInt64, claimed: UInt64) {
        section.update {
            section[shape.target].set(target)
            section[shape.held].set(held)
            section[shape.claimed].set(claimed)
            section[shape.inflated].set(figures.inflatedPages &* 4096)
            section[shape.deflated].set(figures.deflatedPages &* 4096)
            section[shape.repeated].set(figures.repeatedPages)
            section[shape.ignored].set(figures.ignoredPages)
            section[shape.reported].set(figures.reportedPages &* 4096)
            section[shape.hinted].set(figures.hintedPages &* 4096)
            section[shape.calls].set(figures.discardCalls)
            section[shape.refused].set(figures.refusedPages)
        }
    }

    /// Shows what the guest told; zero is what it did not. With the device's lock held.
    func show(_ statistics: GuestStatistics) {
        section.update {
            section[shape.reports].set(statistics.reports)
            for statistic in GuestStatistic.allCases {
                section[shape.guest[Int(statistic.rawValue)]].set(statistics[statistic]?.value ?? 0)
            }
        }
    }
}

extension GuestStatistic {
    /// Its name on the stats page.
    var statsName: StaticString {
        switch self {
        case .swappedIn: "guest.swapped-in"
        case .swappedOut: "guest.swapped-out"
        case .majorFaults: "guest.major-faults"
        case .minorFaults: "guest.minor-faults"
        case .free: "guest.free"
        case .total: "guest.total"
        case .available: "guest.available"
        case .caches: "guest.caches"
        case .hugePageAllocations: "guest.huge-page-allocations"
        case .hugePageFailures: "guest.huge-page-failures"
        case .oomKills: "guest.oom-kills"
        case .allocationStalls: "guest.allocation-stalls"
        case .backgroundScans: "guest.background-scans"
        case .directScans: "guest.direct-scans"
        case .backgroundReclaims: "guest.background-reclaims"
        case .directReclaims: "guest.direct-reclaims"
        }
    }

    /// Whether it is an amount of bytes, not a count.
    public var isBytes: Bool {
        switch self {
        case .swappedIn, .swappedOut, .free, .total, .available, .caches: true
        default: false
        }
    }
}
