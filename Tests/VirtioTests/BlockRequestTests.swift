import Devices
import GuestMemory
import MachineTesting
import Stats
import Testing
import Virtio

@Suite("Disk: requests")
struct BlockRequestTests {
    @Test("what is written is in the file, and is read back", arguments: BlockWay.available)
    func roundTrip(way: BlockWay) throws {
        let disk = try TestDisk(way)
        let bytes = TestDisk.pattern(16384)
        #expect(try disk.write(8, bytes) == 0)
        #expect(try TestFile.bytes(disk.path, at: 4096, count: 16384) == bytes)
        #expect(try disk.read(8, count: 16384) == bytes)
        #expect(try disk.read(0, count: 4096) == [UInt8](repeating: 0, count: 4096))
        #expect(disk.device.counters.writes.value == 1)
        #expect(disk.device.counters.writtenBytes.value == 16384)
        #expect(disk.device.counters.readBytes.value == 20480)
        #expect(disk.device.counters.errors.value == 0)
    }

    @Test("how a driver cuts a request into descriptors does not matter", arguments: BlockWay.available)
    func framing(way: BlockWay) throws {
        let bytes = TestDisk.pattern(2048)
        let disk = try TestDisk(way, contents: TestDisk.pattern(1 << 16, seed: 9))
        let readableCuts = [[16], [1, 2, 3, 15, 16, 17, 600], [8, 900], [], [4, 5, 16, 16 + 512]]
        for (number, cuts) in readableCuts.enumerated() {
            let sector = UInt64(number * 5 + 1)
            let request = try disk.offer(TestDisk.header(1, sector) + bytes, readableCuts: cuts)
            let used = try disk.finish()
            #expect(used[0].written == 1)
            #expect(try disk.status(request) == 0)
            #expect(try TestFile.bytes(disk.path, at: Int(sector) * 512, count: 2048) == bytes, "\(cuts)")
        }
        let whole = try TestFile.bytes(disk.path, at: 0, count: 1 << 16)
        for cuts in [[], [1], [1, 511, 512, 513, 1024], [2047]] as [[Int]] {
            for isStatusApart in [true, false] {
                let source = disk.driver.allocate(16)
                try disk.driver.memory.copyIn(TestDisk.header(0, 3), to: GuestAddress(source))
                let target = disk.driver.allocate(2049)
                let places = [0] + cuts + (isStatusApart ? [2048, 2049] : [2049])
                var chain = [GuestDescriptor(address: source, length: 16)]
                for (first, next) in zip(places, places.dropFirst()) {
                    chain.append(
                        GuestDescriptor(
                            address: target + UInt64(first), length: UInt32(next - first),
                            flags: GuestDescriptor.write))
                }
                try disk.queue.offer(chain)
                #expect(try disk.finish()[0].written == 2049)
                let data = try disk.driver.memory.bytes(at: GuestAddress(target), count: 2049)
                #expect(data == Array(whole[1536..<3584]) + [0], "\(cuts)")
            }
        }
    }

    @Test("the disk tells its name in 20 bytes", arguments: ["", "data", "exactly-twenty-bytes"])
    func identify(name: String) throws {
        let disk = try TestDisk { $0.id = name }
        let request = try disk.offer(TestDisk.header(8), writable: 20)
        #expect(try disk.finish()[0].written == 21)
        #expect(try disk.status(request) == 0)
        let bytes = try disk.data(request)
        #expect(bytes == Array(name.utf8) + [UInt8](repeating: 0, count: 20 - name.utf8.count))
        let short = try disk.offer(TestDisk.header(8), writable: 19)
        _ = try disk.finish()
        #expect(try disk.status(short) == 1, "a name does not fit in 19 bytes")
    }

    @Test(
        "sectors that are not there are an I/O error, up to the largest number", arguments: BlockWay.available
    )
    func bounds(way: BlockWay) throws {
        let disk = try TestDisk(way, size: 8192)
        let capacity: UInt64 = 16
        #expect(try disk.read(capacity - 1, count: 512) != nil)
        #expect(try disk.read(capacity, count: 512) == nil)
        #expect(try disk.read(capacity - 1, count: 1024) == nil)
        let last = UInt64.max
        let sectors: [UInt64] = [17, 1 << 32, 1 << 55, last / 512, last / 512 + 1, last - 1, last]
        for sector in sectors {
            #expect(try disk.read(sector, count: 512) == nil)
            #expect(try disk.write(sector, TestDisk.pattern(512)) == 1)
            #expect(try disk.ranges(11, [(sector, 1, 0)]) == 1)
            #expect(try disk.ranges(13, [(sector, 1, 0)]) == 1)
        }
        #expect(try disk.read(capacity, count: 0) == [], "no sectors at the end are there")
        #expect(try disk.read(capacity + 1, count: 0) == nil)
        #expect(try TestFile.bytes(disk.path, at: 0, count: 10000).count == 8192, "the file has not grown")
        #expect(disk.device.counters.errors.value > 20)
        #expect(disk.driver.status.contains(.driverOK) && !disk.driver.status.contains(.needsReset))
    }

    @Test("data that are no whole sectors are an I/O error, and no part of them is done")
    func wholeSectors() throws {
        let disk = try TestDisk(contents: TestDisk.pattern(8192))
        for count in [1, 511, 513, 4095] {
            #expect(try disk.read(0, count: count) == nil)
            #expect(try disk.write(0, [UInt8](repeating: 0xAA, count: count)) == 1)
        }
        #expect(try TestFile.bytes(disk.path, at: 0, count: 8192) == TestDisk.pattern(8192))
    }

    @Test("a failed read leaves nothing of before in the guest's buffer, and says how far it wrote")
    func staleData() throws {
        let disk = try TestDisk(size: 8192)
        let request = try disk.offer(TestDisk.header(0, 99), writable: 1024)
        #expect(try disk.finish()[0].written == 1025)
        #expect(try disk.status(request) == 1)
        #expect(try disk.data(request) == [UInt8](repeating: 0, count: 1024))
    }

    @Test("types there are none of are not supported")
    func unknownTypes() throws {
        let disk = try TestDisk()
        for type: UInt32 in [2, 3, 5, 6, 7, 9, 10, 12, 14, 15, 24, 0x8000_0000, .max] {
            #expect(try disk.perform(TestDisk.header(type), writable: 64) == 2)
        }
    }

    @Test("a header that is cut off is an I/O error; no byte for a status breaks the queue")
    func malformed() throws {
        let disk = try TestDisk()
        #expect(try disk.perform(Array(TestDisk.header(0).prefix(15)), writable: 512) == 1)
        #expect(try disk.perform([], writable: 512) == 1)
        let source = disk.driver.allocate(16)
        try disk.queue.offer([GuestDescriptor(address: source, length: 16)])
        disk.driver.notify(0)
        #expect(disk.driver.status.contains(.needsReset))
        #expect(disk.driver.log.contains { $0.contains("no byte for its status") })
        disk.driver.setRegister(0x70, 0)
        try disk.start()
        #expect(try disk.read(0, count: 512) != nil)
    }

    @Test("a disk that is read-only says so, and is not written to", arguments: BlockWay.available)
    func readOnly(way: BlockWay) throws {
        let bytes = TestDisk.pattern(8192)
        let disk = try TestDisk(way, contents: bytes, isReadOnly: true)
        #expect(disk.driver.offeredFeatures().contains(.blockReadOnly))
        #expect(!disk.driver.offeredFeatures().contains(.blockDiscard))
        #expect(try disk.write(0, TestDisk.pattern(512, seed: 77)) == 1)
        #expect(try disk.ranges(11, [(0, 8, 0)]) == 1)
        #expect(try disk.ranges(13, [(0, 8, 0)]) == 1)
        #expect(try disk.perform(TestDisk.header(4)) == 0, "there is nothing to flush")
        #expect(try disk.read(0, count: 8192) == bytes)
        #expect(try TestFile.bytes(disk.path, at: 0, count: 8192) == bytes)
    }

    @Test("many requests at once are all done, whatever their order", arguments: BlockWay.available)
    func manyAtOnce(way: BlockWay) throws {
        let disk = try TestDisk(way, size: 8 << 20) { $0.queueSize = 64 }
        for round in 0..<8 {
            var writes: [TestDisk.Request] = []
            for number in 0..<20 {
                let sector = UInt64((round * 20 + number) * 16)
                let bytes = TestDisk.pattern(8192, seed: UInt8(round * 20 + number))
                writes.append(try disk.offer(TestDisk.header(1, sector) + bytes))
            }
            #expect(Set(try disk.finish(20).map(\.head)) == Set(writes.map { UInt32($0.head) }))
            for write in writes { #expect(try disk.status(write) == 0) }
        }
        for number in 0..<160 {
            let bytes = try disk.read(UInt64(number * 16), count: 8192)
            #expect(bytes == TestDisk.pattern(8192, seed: UInt8(number)))
        }
        #expect(disk.device.counters.inFlight.value == 0)
    }

    @Test("the configuration tells size, limits and topology, and only the cache mode can be set")
    func configuration() throws {
        let disk = try TestDisk(size: 3 << 20)
        func field(_ offset: UInt64, _ width: AccessWidth) -> UInt64 {
            disk.driver.transport.read(offset: 0x100 + offset, width: width)
        }
        #expect(field(0, .doubleWord) == 6144 && field(4, .doubleWord) == 0)
        #expect(field(0, .quadWord) == 6144)
        #expect(field(12, .doubleWord) == 254)
        #expect(field(20, .doubleWord) == 512)
        #expect(field(24, .byte) == 3, "the physical block is the file system's, 4096 here")
        #expect(field(32, .byte) == 1)
        #expect(field(36, .doubleWord) >= 2048 && field(40, .doubleWord) >= 1)
        #expect(field(48, .doubleWord) >= 2048 && field(52, .doubleWord) >= 1 && field(56, .byte) == 1)
        for offset: UInt64 in 0..<64 where offset != 32 {
            let before = field(offset, .byte)
            _ = disk.driver.transport.write(offset: 0x100 + offset, width: .byte, value: 0xFF)
            #expect(field(offset, .byte) == before)
        }
        _ = disk.driver.transport.write(offset: 0x120, width: .byte, value: 0)
        #expect(field(32, .byte) == 0)
        #expect(try disk.write(0, TestDisk.pattern(512)) == 0, "now through to the medium")
        _ = disk.driver.transport.write(offset: 0x120, width: .byte, value: 9)
        #expect(field(32, .byte) == 1)
    }

    @Test("a driver that cannot flush has a disk without a cache")
    func writeThrough() throws {
        let disk = try TestDisk(without: [.blockFlush, .blockCacheMode])
        #expect(disk.driver.transport.read(offset: 0x120, width: .byte) == 0)
        #expect(try disk.write(0, TestDisk.pattern(4096)) == 0)
        let other = try TestDisk { $0.isWriteThrough = true }
        #expect(other.driver.offeredFeatures().isDisjoint(with: [.blockFlush, .blockCacheMode]))
        #expect(try other.write(0, TestDisk.pattern(4096)) == 0)
        #expect(try other.ranges(13, [(0, 8, 0)]) == 0)
        #expect(try other.read(0, count: 4096) == [UInt8](repeating: 0, count: 4096))
    }
}
