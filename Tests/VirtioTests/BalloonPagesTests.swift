import GuestMemory
import HostSystem
import MachineTesting
import Testing
import Virtio

@Suite("balloon: pages")
struct BalloonPagesTests {
    private static let first = BalloonDriver.firstFreePage

    @Test(
        "inflating gives memory back to the host, also out of huge pages",
        arguments: [false, true], ["up", "down", "shuffled"])
    func memoryFalls(hugePages: Bool, order: String) throws {
        let driver = try BalloonDriver(memorySize: 96 << 20, hugePages: hugePages)
        let pages = 8192..<24576
        try driver.mark(pages)
        let before = try driver.residentBytes()
        #expect(before >= 64 << 20)
        var frames = (8192..<16384).map { UInt32($0) }
        var generator = SeededGenerator(seed: 7)
        if order == "down" { frames.reverse() }
        if order == "shuffled" { frames.shuffle(using: &generator) }
        for start in stride(from: 0, to: frames.count, by: 256) {
            try driver.inflate(Array(frames[start..<start + 256]))
        }
        let after = try driver.residentBytes()
        #expect(before - after >= 31 << 20, "\(before) to \(after)")
        #expect(driver.balloon.heldBytes == 32 << 20)
        for page in pages { #expect(try driver.isMarked(page) == (page >= 16384)) }
    }

    @Test("the pages of one wake-up go in one call, whatever order they come in")
    func coalesced() throws {
        let driver = try BalloonDriver()
        var frames = (4096..<12288).map { UInt32($0) }
        var generator = SeededGenerator(seed: 1)
        frames.shuffle(using: &generator)
        for start in stride(from: 0, to: frames.count, by: 256) {
            try driver.offer(Array(frames[start..<start + 256]), to: 0)
        }
        driver.guest.notify(0)
        #expect(driver.balloon.figures.discardCalls == 1)
        #expect(driver.balloon.figures.inflatedPages == 8192)
        #expect(driver.guest.line.edges == 1)
    }

    @Test("more than one batch is served in turns, without another notification")
    func batches() throws {
        let driver = try BalloonDriver()
        try driver.guest.start(queueSize: 128, queueCount: 2)
        for page in 0..<100 { try driver.offer([UInt32(Self.first + page)], to: 0) }
        driver.guest.notify(0)
        #expect(driver.balloon.figures.inflatedPages < 100)
        driver.guest.loop.enqueue { [loop = driver.guest.loop] in loop.enqueue { loop.stop() } }
        driver.guest.loop.run()
        #expect(driver.balloon.figures.inflatedPages == 100)
    }

    @Test("numbers of pages that are not RAM change nothing, and are counted")
    func outside() throws {
        let driver = try BalloonDriver()
        try driver.mark(Self.first..<0x1000)
        try driver.inflate([0x4000, UInt32(Self.first), 0xF_FFFF, 0x10_0000, .max, 0xC_0000])
        #expect(driver.balloon.figures.ignoredPages == 5)
        #expect(driver.balloon.heldBytes == 4096)
        try driver.deflate([.max])
        #expect(driver.balloon.figures.ignoredPages == 6)
        #expect(try (Self.first + 1..<0x1000).allSatisfy { try driver.isMarked($0) })
        #expect(!driver.guest.status.contains(.needsReset))
    }

    @Test("a page counts once, however often it is put in or taken out")
    func repeated() throws {
        let driver = try BalloonDriver()
        let page = UInt32(Self.first)
        try driver.inflate([page, page])
        try driver.mark(Self.first..<Self.first + 1)
        try driver.inflate([page])
        #expect(try driver.isMarked(Self.first) == false, "it was given again, so it is gone again")
        #expect(driver.balloon.heldBytes == 4096)
        try driver.deflate([page, page])
        #expect(driver.balloon.heldBytes == 0)
        #expect(driver.balloon.figures.repeatedPages == 3)
        #expect(driver.balloon.figures.deflatedPages == 1)
    }

    @Test("random requests touch no page but those they name", arguments: 1...20 as ClosedRange<UInt64>)
    func property(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let driver = try BalloonDriver(memorySize: 32 << 20)
        let pages = 4096..<8192
        try driver.mark(pages)
        var gone: Set<Int> = []
        for _ in 0..<Int.random(in: 1...30, using: &generator) {
            var frames: [UInt32] = []
            for _ in 0..<Int.random(in: 1...40, using: &generator) {
                let start = Int.random(in: pages, using: &generator)
                let run = start..<min(start + Int.random(in: 1...80, using: &generator), pages.upperBound)
                frames += run.map { UInt32($0) }
                gone.formUnion(run)
                if Bool.random(using: &generator) {
                    frames.append(.random(in: 0x2000...(.max), using: &generator))
                }
            }
            frames.shuffle(using: &generator)
            try driver.inflate(frames)
        }
        for page in pages { #expect(try driver.isMarked(page) == !gone.contains(page)) }
        #expect(driver.balloon.heldBytes == UInt64(gone.count) << 12)
    }

    @Test("RAM above the hole is reached by its own numbers")
    func high() throws {
        let driver = try BalloonDriver(memorySize: 4 << 30)
        let page = 0x10_0000 + 5
        try driver.mark(page - 1..<page + 2)
        try driver.inflate([UInt32(page), 0xC_0000, 0x14_0000])
        #expect(driver.balloon.figures.ignoredPages == 2)
        #expect(try [page - 1, page, page + 1].map { try driver.isMarked($0) } == [true, false, true])
    }

    @Test("a list longer than the guest's memory breaks the device until the reset")
    func tooLong() throws {
        let driver = try BalloonDriver(memorySize: 16 << 20)
        try driver.guest.queues[0].offer([
            GuestDescriptor(address: 0x10_0000, length: 16 << 10),
            GuestDescriptor(address: 0x10_0000, length: 4),
        ])
        driver.guest.notify(0)
        #expect(driver.guest.status.contains(.needsReset))
        try driver.offer([0x800], to: 0)
        driver.guest.notify(0)
        #expect(try driver.guest.queues[0].takeUsed() == nil)
        driver.guest.setRegister(0x70, 0)
        try driver.start()
        try driver.inflate([0x800])
        #expect(driver.balloon.heldBytes == 4096)
    }

    @Test("after a reset the balloon is empty, and asks for as much as before")
    func reset() throws {
        let driver = try BalloonDriver { $0.targetBytes = 8 << 20 }
        #expect(driver.configuration(0) == 2048)
        try driver.inflate([0x800, 0x801])
        driver.guest.setRegister(0x104, 2)
        #expect(driver.balloon.claimedBytes == 8192)
        driver.guest.setRegister(0x70, 0)
        #expect(driver.balloon.heldBytes == 0)
        #expect(driver.balloon.claimedBytes == 0)
        #expect(driver.balloon.targetBytes == 8 << 20)
        try driver.start()
        try driver.inflate([0x800])
        #expect(driver.balloon.heldBytes == 4096)
    }

    @Test("a paused balloon takes nothing, and what came meanwhile afterwards")
    func paused() throws {
        let driver = try BalloonDriver()
        driver.balloon.pause()
        try driver.offer([0x800], to: 0)
        driver.guest.notify(0)
        #expect(driver.balloon.heldBytes == 0)
        driver.balloon.resume()
        #expect(driver.balloon.heldBytes == 4096)
    }
}
