import MachineTesting
import Stats
import Testing
import Virtio

@Suite("Disk: discard, write-zeroes, flush")
struct BlockRangeTests {
    private let unmap: UInt32 = 1
    private let megabyte = 1 << 20

    private func full(_ way: BlockWay, _ change: (inout BlockSettings) -> Void = { _ in }) throws -> TestDisk
    {
        try TestDisk(way, contents: TestDisk.pattern(4 << 20), change)
    }

    @Test("a discard gives the file's blocks back to the host", arguments: BlockWay.available)
    func discard(way: BlockWay) throws {
        let disk = try full(way)
        let before = try TestFile.allocated(disk.path)
        #expect(before >= 4 << 20)
        #expect(try disk.ranges(11, [(2048, 2048, 0), (6144, 2048, 0)]) == 0)
        #expect(try TestFile.allocated(disk.path) <= before - (2 << 20))
        #expect(try disk.read(2048, count: 4096) == [UInt8](repeating: 0, count: 4096))
        let bytes = TestDisk.pattern(4 << 20)
        #expect(try disk.read(2040, count: 4096) == Array(bytes[2040 * 512..<2048 * 512]))
        #expect(try disk.read(4096, count: 4096) == Array(bytes[4096 * 512..<4104 * 512]))
        #expect(disk.device.counters.discards.value == 2)
    }

    @Test(
        "zeroes are written without a byte too many, with and without giving blocks back",
        arguments: BlockWay.available)
    func zeroes(way: BlockWay) throws {
        let disk = try full(way)
        let before = try TestFile.allocated(disk.path)
        var expected = TestDisk.pattern(4 << 20)
        #expect(try disk.ranges(13, [(3, 5, 0), (100, 2000, 0)]) == 0)
        expected.replaceSubrange(3 * 512..<8 * 512, with: [UInt8](repeating: 0, count: 5 * 512))
        expected.replaceSubrange(100 * 512..<2100 * 512, with: [UInt8](repeating: 0, count: 2000 * 512))
        #expect(try TestFile.bytes(disk.path, at: 0, count: 4 << 20) == expected)
        #expect(try TestFile.allocated(disk.path) >= before, "without the flag blocks are kept")
        #expect(try disk.ranges(13, [(4096, 4096, unmap)]) == 0)
        expected.replaceSubrange(4096 * 512..<8192 * 512, with: [UInt8](repeating: 0, count: 4096 * 512))
        #expect(try TestFile.bytes(disk.path, at: 0, count: 4 << 20) == expected)
        #expect(try TestFile.allocated(disk.path) <= before - (2 << 20))
        #expect(disk.device.counters.zeroes.value == 3)
    }

    @Test(
        "requests of many ranges come to their end, however soon each range is done",
        arguments: BlockWay.available)
    func manyRanges(way: BlockWay) throws {
        let disk = try TestDisk(way, size: 4 << 20)
        // A range may be done between any two steps of the device's turn.
        for _ in 0..<400 {
            let ranges = (0..<16).map { (UInt64($0 * 16), UInt32(8), UInt32(0)) }
            #expect(try disk.ranges(11, ranges) == 0)
        }
    }

    @Test("ranges are checked: flags, bounds, lengths, numbers", arguments: BlockWay.available)
    func wrongRanges(way: BlockWay) throws {
        let disk = try full(way)
        #expect(try disk.ranges(11, [(0, 8, unmap)]) == 2, "a discard has no flags")
        #expect(try disk.ranges(11, [(0, 8, 2)]) == 2)
        #expect(try disk.ranges(13, [(0, 8, 2)]) == 2)
        #expect(try disk.ranges(13, [(0, 8, .max)]) == 2)
        #expect(try disk.ranges(11, [(8191, 2, 0)]) == 1)
        #expect(try disk.ranges(13, [(0, .max, 0)]) == 1)
        #expect(try disk.ranges(11, [(0, 1 << 22, 0)]) == 1, "more than the configuration allows")
        #expect(try disk.ranges(11, []) == 1)
        #expect(try disk.perform(TestDisk.header(11) + [UInt8](repeating: 0, count: 15)) == 1)
        #expect(try disk.perform(TestDisk.header(13) + [UInt8](repeating: 0, count: 17)) == 1)
        let many = [(sector: UInt64, count: UInt32, flags: UInt32)](repeating: (0, 0, 0), count: 65)
        #expect(try disk.ranges(11, many) == 1)
        #expect(try disk.ranges(11, Array(many.prefix(64))) == 0, "ranges of nothing")
        #expect(try TestFile.bytes(disk.path, at: 0, count: 4 << 20) == TestDisk.pattern(4 << 20))
    }

    @Test("a disk without discards refuses them, and zeroes keep their blocks")
    func noDiscard() throws {
        let disk = try full(.workers) { $0.canDiscard = false }
        #expect(!disk.driver.offeredFeatures().contains(.blockDiscard))
        #expect(try disk.ranges(11, [(0, 8, 0)]) == 2)
        let other = try full(.workers)
        other.driver.setRegister(0x70, 0)
        try other.start(without: .blockDiscard)
        #expect(try other.ranges(11, [(0, 8, 0)]) == 2, "it was not negotiated")
    }

    @Test(
        "after a flush nothing of the file is left to write to the medium",
        .enabled(if: PageCache.tells, "the host does not tell what is dirty"), arguments: BlockWay.available)
    func flush(way: BlockWay) throws {
        let disk = try TestDisk(way)
        // What was flushed once needs nothing done; what was written since then does.
        for round in 1...3 as ClosedRange<UInt64> {
            try dirty(disk)
            #expect(try disk.perform(TestDisk.header(4)) == 0)
            #expect(try PageCache.dirtyPages(of: disk.path) == 0)
            #expect(try disk.perform(TestDisk.header(4)) == 0)
            #expect(disk.device.counters.flushes.value == 2 * round)
        }
    }

    /// Writes until the host has something that is not on the medium yet.
    private func dirty(_ disk: TestDisk) throws {
        // Not aligned, so that direct I/O goes by the page cache too. The host may have written it by itself.
        var wasDirty = false
        for attempt in 0..<20 where !wasDirty {
            #expect(try disk.write(1, TestDisk.pattern(200 * 512, seed: UInt8(attempt))) == 0)
            wasDirty = try PageCache.dirtyPages(of: disk.path) > 0
        }
        #expect(wasDirty, "a write-back disk writes to memory")
    }

    @Test(
        "without a cache a write is on the medium when it is done",
        .enabled(if: PageCache.tells, "the host does not tell what is dirty"), arguments: BlockWay.available)
    func writeThrough(way: BlockWay) throws {
        let disk = try TestDisk(way) { $0.isWriteThrough = true }
        #expect(try disk.write(1, TestDisk.pattern(200 * 512)) == 0)
        #expect(try PageCache.dirtyPages(of: disk.path) == 0)
        #expect(try disk.ranges(13, [(1, 100, 0)]) == 0)
        #expect(try PageCache.dirtyPages(of: disk.path) == 0)
    }
}
