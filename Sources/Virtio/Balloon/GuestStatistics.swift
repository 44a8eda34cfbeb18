/// What a guest can tell of its memory (virtio 1.2, 5.5.6.4, and what Linux has added since). The raw
/// value is the tag.
public enum GuestStatistic: UInt16, CaseIterable, Sendable {
    /// Swapped in, in bytes.
    case swappedIn = 0
    /// Swapped out, in bytes.
    case swappedOut = 1
    /// Page faults that waited for a disk.
    case majorFaults = 2
    /// Page faults that did not.
    case minorFaults = 3
    /// Memory used for nothing, in bytes.
    case free = 4
    /// All memory the guest has, in bytes.
    case total = 5
    /// What programs could get without swapping, in bytes.
    case available = 6
    /// What could be taken from caches, in bytes.
    case caches = 7
    /// Huge pages that programs got.
    case hugePageAllocations = 8
    /// Huge pages that programs did not get.
    case hugePageFailures = 9
    /// Programs killed for want of memory.
    case oomKills = 10
    /// Allocations that had to wait for memory to become free.
    case allocationStalls = 11
    /// Pages looked at to free them, by the guest's kernel on the side.
    case backgroundScans = 12
    /// Pages looked at to free them, by programs that wanted memory.
    case directScans = 13
    /// Pages freed on the side.
    case backgroundReclaims = 14
    /// Pages freed by programs that wanted memory.
    case directReclaims = 15
}

/// What a guest told of its memory last.
public struct GuestStatistics: Sendable {
    /// One figure.
    public struct Entry: Equatable, Sendable {
        /// As the guest says.
        public let value: UInt64
        /// When it said so, in nanoseconds of the monotonic clock.
        public let time: UInt64
    }

    private var entries: InlineArray<16, Entry?> = InlineArray(repeating: nil)
    /// How often the guest told something.
    public private(set) var reports: UInt64 = 0

    /// Nothing told.
    public init() {}

    /// A figure; nil if the guest never told it.
    public subscript(statistic: GuestStatistic) -> Entry? {
        entries[Int(statistic.rawValue)]
    }

    /// An entry as it lies in a buffer: a tag of 16 bits, a value of 64.
    static let entrySize = 10
    /// More entries than that are not looked at: there are no such tags, and a list may say one thing twice.
    private static let mostEntries = 64

    /// Takes a guest's buffer: tags in any order, unknown ones passed over.
    mutating func read(_ chain: inout DescriptorChain, at time: UInt64) {
        var left = Self.mostEntries
        while left > 0, chain.readableBytes >= Self.entrySize,
            let tag = chain.read(as: UInt16.self, zero: 0), let value = chain.read(as: UInt64.self, zero: 0)
        {
            left -= 1
            guard let statistic = GuestStatistic(rawValue: UInt16(littleEndian: tag)) else { continue }
            entries[Int(statistic.rawValue)] = Entry(value: UInt64(littleEndian: value), time: time)
        }
        reports += 1
    }
}
