import Devices
import GuestMemory
import HostSystem
import MachineTesting
import Testing

@testable import Virtio

@Suite("balloon: queues and features")
struct BalloonQueuesTests {
    /// Every choice a driver has among what a balloon can offer.
    static let choices: [FeatureSet] = (0..<32).map { bits in
        let all: [FeatureSet] = [
            .balloonStatistics, .balloonDeflateOnOOM, .balloonHinting, .balloonPoison, .balloonReporting,
        ]
        return all.enumerated().reduce(into: []) {
            if bits & 1 << $1.offset != 0 { $0.formUnion($1.element) }
        }
    }

    @Test("queues are numbered by the features that are negotiated, without gaps", arguments: choices)
    func numbering(features: FeatureSet) throws {
        let driver = try BalloonDriver(features)
        try driver.mark(0x800..<0x900)
        try driver.inflate([0x800, 0x801])
        #expect(driver.balloon.heldBytes == 8192)
        try driver.deflate([0x800])
        #expect(driver.balloon.heldBytes == 4096)
        if features.contains(.balloonStatistics) {
            try driver.tell([(tag: 4, value: 1234)])
            #expect(driver.balloon.guestStatistics[.free]?.value == 1234)
        }
        if features.contains(.balloonHinting) {
            try driver.balloon.requestFreePages()
            try driver.sendCommand(driver.configuration(8))
            try driver.give([0x810..<0x820], to: driver.hintingQueue)
            try driver.sendCommand(0)
            #expect(driver.balloon.figures.hintedPages == 16)
        } else {
            #expect(throws: BalloonError.noHinting) { try driver.balloon.requestFreePages() }
        }
        if features.contains(.balloonReporting) {
            try driver.give([0x830..<0x840, 0x850..<0x858], to: driver.reportingQueue)
            #expect(driver.balloon.figures.reportedPages == 24)
        }
        for page in 0x802..<0x900 {
            let isHinted = features.contains(.balloonHinting) && (0x810..<0x820).contains(page)
            let isReported =
                features.contains(.balloonReporting)
                && ((0x830..<0x840).contains(page) || (0x850..<0x858).contains(page))
            #expect(try driver.isMarked(page) == !(isHinted || isReported))
        }
        #expect(!driver.guest.status.contains(.needsReset))
    }

    @Test("what is offered follows the wishes", arguments: 0..<8)
    func offer(bits: Int) throws {
        let driver = try BalloonDriver([]) {
            $0.deflatesOnOOM = bits & 1 != 0
            $0.hintsFreePages = bits & 2 != 0
            $0.reportsFreePages = bits & 4 != 0
        }
        let offered = driver.guest.offeredFeatures()
        #expect(offered.contains(.balloonStatistics))
        #expect(offered.contains(.balloonDeflateOnOOM) == (bits & 1 != 0))
        #expect(offered.contains(.balloonHinting) == (bits & 2 != 0))
        #expect(offered.contains(.balloonReporting) == (bits & 4 != 0))
        #expect(offered.contains(.balloonPoison) == (bits & 4 != 0))
        #expect(!offered.contains(FeatureSet(bit: 0)))
    }

    @Test("a queue that was not negotiated does nothing, though it was set up")
    func extraQueues() throws {
        let driver = try BalloonDriver([])
        try driver.guest.start([.version1], queueCount: 5)
        try driver.mark(0x800..<0x802)
        try driver.guest.queues[4].offer([
            GuestDescriptor(address: 0x80_0000, length: 4096, flags: GuestDescriptor.write)
        ])
        driver.guest.notify(4)
        #expect(try driver.isMarked(0x800))
        #expect(try driver.guest.queues[4].takeUsed() == nil)
    }

    @Test("a new target is told by a configuration change, one beyond the memory is refused")
    func target() throws {
        let driver = try BalloonDriver()
        let generation = driver.guest.register(0xFC)
        let edges = driver.guest.line.edges
        try driver.balloon.setTarget(bytes: 10 << 20 | 4095)
        #expect(driver.configuration(0) == 2560)
        #expect(driver.balloon.targetBytes == 10 << 20)
        #expect(driver.guest.register(0xFC) != generation)
        #expect(driver.guest.line.edges == edges + 1)
        #expect(driver.guest.register(0x60) & 2 != 0)
        let error = BalloonError.targetBeyondMemory(64 << 20 | 1, memory: 64 << 20)
        #expect(throws: error) { try driver.balloon.setTarget(bytes: 64 << 20 | 1) }
        #expect("\(error)" == "a balloon of 67108865 bytes is more than the guest's memory, 67108864 bytes")
        #expect(driver.balloon.targetBytes == 10 << 20)
        try driver.balloon.setTarget(bytes: 64 << 20)
    }

    @Test("the guest may write what is its own in the configuration, and nothing else")
    func configuration() throws {
        let driver = try BalloonDriver()
        for field in 0..<4 { driver.guest.setRegister(0x100 + 4 * UInt64(field), UInt32(7 + field)) }
        #expect((0..<5).map { driver.configuration(4 * UInt64($0)) } == [0, 8, 0, 10, 0])
        _ = driver.guest.transport.write(offset: 0x105, width: .byte, value: 1)
        #expect(driver.balloon.claimedBytes == 0x108 * 4096)
        #expect(driver.guest.transport.read(offset: 0x105, width: .byte) == 1)
        #expect(driver.guest.transport.read(offset: 0x1FF, width: .quadWord) == 0)
    }

    @Test("pages the guest fills with a pattern are left alone when it reports them")
    func poison() throws {
        let driver = try BalloonDriver()
        try driver.mark(0x800..<0x810)
        driver.guest.setRegister(0x10C, 0xAAAA_AAAA)
        try driver.give([0x800..<0x810], to: driver.reportingQueue)
        #expect(try driver.isMarked(0x800))
        driver.guest.setRegister(0x10C, 0)
        try driver.give([0x800..<0x810], to: driver.reportingQueue)
        #expect(try driver.isMarked(0x800) == false)
    }

    @Test("of a range that is reported, pages that are not wholly in it stay")
    func unaligned() throws {
        let driver = try BalloonDriver()
        try driver.mark(0x800..<0x804)
        try driver.guest.queues[driver.reportingQueue].offer([
            GuestDescriptor(address: 0x80_0008, length: 0x2FF8, flags: GuestDescriptor.write),
            GuestDescriptor(address: 0x80_3100, length: 16, flags: GuestDescriptor.write),
        ])
        driver.guest.notify(driver.reportingQueue)
        #expect(try (0x800..<0x804).map { try driver.isMarked($0) } == [true, false, false, true])
    }

    @Test("hints count only after the number of the present command, and a stop lets the guest go on")
    func hinting() throws {
        let driver = try BalloonDriver()
        let queue = driver.hintingQueue
        try driver.mark(0x800..<0x900)
        #expect(driver.configuration(8) == 0)
        try driver.give([0x800..<0x801], to: queue)
        try driver.balloon.requestFreePages()
        let first = driver.configuration(8)
        #expect(first >= 2)
        try driver.give([0x801..<0x802], to: queue)
        try driver.sendCommand(first &+ 1)
        try driver.give([0x802..<0x803], to: queue)
        #expect(driver.balloon.figures.hintedPages == 0)
        try driver.sendCommand(first)
        try driver.give([0x803..<0x805], to: queue)
        #expect(driver.balloon.figures.hintedPages == 2)
        // A second command makes the first one void.
        try driver.balloon.requestFreePages()
        #expect(driver.configuration(8) != first)
        try driver.give([0x805..<0x806], to: queue)
        #expect(driver.balloon.figures.hintedPages == 2)
        try driver.sendCommand(driver.configuration(8))
        let edges = driver.guest.line.edges
        try driver.sendCommand(0)
        #expect(driver.configuration(8) == 1)
        #expect(driver.guest.line.edges == edges + 1, "the configuration; no chain is waited for")
        #expect(!driver.balloon.isHinting)
        try driver.give([0x806..<0x807], to: queue)
        #expect(driver.balloon.figures.hintedPages == 2)
        for page in 0x800..<0x900 { #expect(try driver.isMarked(page) == !(0x803..<0x805).contains(page)) }
        try driver.balloon.requestFreePages()
        driver.balloon.endFreePages()
        #expect(driver.configuration(8) == 1)
    }
}
