import Foundation
import GuestMemory
import HostSystem
import MachineTesting
import Testing
import Virtio

/// A guest's driver of a balloon.
final class BalloonDriver {
    let guest: GuestDriver
    let balloon: BalloonDevice
    private let features: FeatureSet

    /// All a balloon can offer.
    static let everything: FeatureSet = [
        .balloonStatistics, .balloonDeflateOnOOM, .balloonHinting, .balloonPoison, .balloonReporting,
    ]

    /// - Parameter features: what is negotiated of the device's own.
    init(
        _ features: FeatureSet = everything, memorySize: UInt64 = 64 << 20, hugePages: Bool = false,
        _ adjust: (inout BalloonConfiguration) -> Void = { _ in }
    ) throws {
        var wished = BalloonConfiguration()
        wished.hintsFreePages = true
        adjust(&wished)
        let made = Box()
        guest = try GuestDriver(name: "balloon", memorySize: memorySize, hugePages: hugePages) {
            let balloon = try BalloonDevice($0, wished)
            made.balloon = balloon
            return balloon
        }
        balloon = try #require(made.balloon)
        self.features = features
        try start()
    }

    private final class Box { var balloon: BalloonDevice? }

    /// Starts, or starts again after a reset.
    func start() throws {
        let optional: [FeatureSet] = [.balloonStatistics, .balloonHinting, .balloonReporting]
        let count = 2 + optional.filter { features.isSuperset(of: $0) }.count
        try guest.start(features.union([.version1, .eventIndex]), queueCount: count)
    }

    // Queues that do not exist leave no gap.
    var statisticsQueue: Int { 2 }
    var hintingQueue: Int { features.contains(.balloonStatistics) ? 3 : 2 }
    var reportingQueue: Int { hintingQueue + (features.contains(.balloonHinting) ? 1 : 0) }

    /// Where pages begin that the driver itself does not use.
    static let firstFreePage = 0x800

    /// Makes a chain of page frame numbers available, without a notification.
    func offer(_ frames: [UInt32], to queue: Int) throws {
        let bytes = frames.flatMap { frame in (0..<4).map { UInt8(truncatingIfNeeded: frame >> (8 * $0)) } }
        let buffer = guest.allocate(UInt64(bytes.count))
        try guest.memory.copyIn(bytes, to: GuestAddress(buffer))
        try guest.queues[queue].offer([GuestDescriptor(address: buffer, length: UInt32(bytes.count))])
    }

    /// Puts pages in, and sees that they were taken.
    func inflate(_ frames: [UInt32]) throws { try exchange(frames, 0) }

    /// Takes pages out.
    func deflate(_ frames: [UInt32]) throws { try exchange(frames, 1) }

    private func exchange(_ frames: [UInt32], _ queue: Int) throws {
        try offer(frames, to: queue)
        guest.notify(queue)
        #expect(try guest.queues[queue].takeUsed()?.written == 0)
    }

    /// Tells statistics, as tags and values.
    func tell(_ entries: [(tag: UInt16, value: UInt64)]) throws {
        var bytes: [UInt8] = []
        for entry in entries {
            bytes += (0..<2).map { UInt8(truncatingIfNeeded: entry.tag >> (8 * UInt16($0))) }
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: entry.value >> (8 * UInt64($0))) }
        }
        let buffer = guest.allocate(UInt64(max(1, bytes.count)))
        try guest.memory.copyIn(bytes, to: GuestAddress(buffer))
        try guest.queues[statisticsQueue].offer([
            GuestDescriptor(address: buffer, length: UInt32(bytes.count))
        ])
        guest.notify(statisticsQueue)
    }

    /// Gives ranges of memory, in pages, to a queue that takes them.
    func give(_ ranges: [Range<Int>], to queue: Int) throws {
        try guest.queues[queue].offer(
            ranges.map {
                GuestDescriptor(
                    address: UInt64($0.lowerBound) << 12, length: UInt32($0.count) << 12,
                    flags: GuestDescriptor.write)
            })
        guest.notify(queue)
        #expect(try guest.queues[queue].takeUsed() != nil)
    }

    /// Sends a command's number to the queue of hints.
    func sendCommand(_ number: UInt32) throws { try exchange([number], hintingQueue) }

    /// A field of the configuration.
    func configuration(_ offset: UInt64) -> UInt32 { guest.register(0x100 + offset) }

    /// Whether a page has other bytes than zeros; it has `mark`'s in its first and last word.
    func isMarked(_ page: Int) throws -> Bool {
        let start: UInt64 = try guest.memory.load(at: GuestAddress(UInt64(page) << 12))
        let end: UInt64 = try guest.memory.load(at: GuestAddress(UInt64(page) << 12 + 4088))
        #expect(start == end && (start == 0 || start == UInt64(page) &+ 1))
        return start != 0
    }

    /// Marks pages, so that they take memory.
    func mark(_ pages: Range<Int>) throws {
        for page in pages {
            try guest.memory.store(UInt64(page) &+ 1, at: GuestAddress(UInt64(page) << 12))
            try guest.memory.store(UInt64(page) &+ 1, at: GuestAddress(UInt64(page) << 12 + 4088))
        }
    }

    /// Pages of the guest's low memory that this process holds, as `/proc/self/pagemap` says, in bytes.
    func residentBytes() throws -> UInt64 {
        let range = guest.memory.layout.low
        let firstPage = try guest.memory.hostAddress(of: range) >> 12
        let file = try OwnedDescriptor.open("/proc/self/pagemap", O_RDONLY)
        let size = Int(range.size >> 12) * 8
        let entries = try DescriptorIO.read(file.number, at: Int(firstPage) * 8, limit: size)
        try #require(entries.count == size)
        // Of the 64 bits of an entry, 63 is "present".
        return UInt64(stride(from: 7, to: size, by: 8).count { entries[$0] & 0x80 != 0 }) << 12
    }
}
