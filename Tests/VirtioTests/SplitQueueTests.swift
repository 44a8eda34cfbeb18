import GuestMemory
import HostSystem
import MachineTesting
import Testing

@testable import Virtio

/// A queue over real memory with its driver's side.
private final class QueuePair {
    let driver: GuestQueue
    let line = FakeInterruptLine()
    var queue: VirtQueue
    var chain = DescriptorChain()

    init(size: UInt16 = 8, features: FeatureSet = [.version1, .indirectDescriptors]) throws {
        let layout = try #require(AddressSpaceLayout(size: 1 << 20))
        let memory = try PhysicalMemory(layout: layout)
        driver = GuestQueue(memory: memory, base: 0x1000, size: size)
        queue = try VirtQueue(
            index: 0, driver.place, maximum: 1024, features: features, memory: memory,
            signals: DeviceSignals(line: line, log: DeviceLog("test") { _ in }))
    }

    func pop() throws -> Bool { try queue.pop(into: &chain) }
    func push(written: Int) { queue.push(chain.head, written: written) }
    func readWord() -> UInt32? { chain.read(as: UInt32.self, zero: 0) }
    func writeWord(_ word: UInt32) -> Bool { chain.write(word) }
    func enableNotification() throws -> Bool { try queue.enableNotification() }
}

@Suite("The split queue")
struct SplitQueueTests {
    @Test("a chain comes out as the driver made it, and goes back with what was written")
    func chain() throws {
        let pair = try QueuePair()
        try pair.driver.memory.copyIn([1, 2, 3, 4], to: GuestAddress(0x8000))
        let head = try pair.driver.offer([
            GuestDescriptor(address: 0x8000, length: 3), GuestDescriptor(address: 0x8003, length: 1),
            GuestDescriptor(address: 0x9000, length: 5, flags: GuestDescriptor.write),
        ])
        #expect(try pair.pop())
        #expect(pair.chain.readableBytes == 4)
        #expect(pair.chain.writableBytes == 5)
        // A value may lie across descriptors (2.7.4.1).
        #expect(pair.readWord() == 0x0403_0201)
        #expect(pair.writeWord(0xAABB_CCDD))
        #expect(!pair.writeWord(0))
        pair.push(written: 4)
        let used = try #require(try pair.driver.takeUsed())
        #expect(used.head == UInt32(head))
        #expect(used.written == 4)
        #expect(try pair.driver.memory.load(UInt32.self, at: GuestAddress(0x9000)) == 0xAABB_CCDD)
        #expect(try !pair.pop())
    }

    @Test("the ring goes round its indices' end many times")
    func wrapping() throws {
        let pair = try QueuePair()
        for round in 0..<70_000 {
            let head = try pair.driver.offer([GuestDescriptor(address: 0x8000, length: 1)])
            guard try pair.pop(), pair.chain.head == head else {
                Issue.record("round \(round): the chain did not come out")
                return
            }
            pair.queue.push(head, written: 0)
            guard let used = try pair.driver.takeUsed(), used.head == UInt32(head) else {
                Issue.record("round \(round): the chain did not come back")
                return
            }
        }
    }

    @Test("chains that are staged come back all at once")
    func staged() throws {
        let pair = try QueuePair()
        for _ in 0..<3 { try pair.driver.offer([GuestDescriptor(address: 0x8000, length: 1)]) }
        for written in 1...2 {
            #expect(try pair.pop())
            pair.queue.stage(pair.chain.head, written: written)
        }
        #expect(try pair.driver.takeUsed() == nil)
        pair.queue.signal()
        #expect(pair.line.edges == 0)
        pair.queue.publish()
        pair.queue.signal()
        #expect(pair.line.edges == 1)
        #expect(try pair.driver.takeUsed()?.written == 1)
        #expect(try pair.driver.takeUsed()?.written == 2)
        #expect(try pair.driver.takeUsed() == nil)
    }

    @Test("chains that are put back come out again in their order")
    func undone() throws {
        let pair = try QueuePair()
        let heads = try (0..<3).map { _ in
            try pair.driver.offer([GuestDescriptor(address: 0x8000, length: 1)])
        }
        for _ in 0..<3 { #expect(try pair.pop()) }
        #expect(try !pair.pop())
        pair.queue.undoPop(2)
        for head in heads.dropFirst() {
            #expect(try pair.pop())
            #expect(pair.chain.head == head)
        }
        #expect(try !pair.pop())
    }

    @Test("an indirect table is followed, and may not hold another one")
    func indirect() throws {
        let pair = try QueuePair()
        let table: UInt64 = 0xA000
        try pair.driver.setDescriptor(
            GuestDescriptor(address: 0x8000, length: 16, flags: GuestDescriptor.next, next: 2), at: table)
        try pair.driver.setDescriptor(
            GuestDescriptor(address: 0x9000, length: 8, flags: GuestDescriptor.write), at: table + 32)
        try pair.driver.offer([
            GuestDescriptor(address: table, length: 48, flags: GuestDescriptor.indirect)
        ])
        #expect(try pair.pop())
        #expect(pair.chain.readableBytes == 16)
        #expect(pair.chain.writableBytes == 8)
        pair.push(written: 0)

        try pair.driver.setDescriptor(
            GuestDescriptor(address: table, length: 48, flags: GuestDescriptor.indirect), at: table)
        try pair.driver.offer([
            GuestDescriptor(address: table, length: 48, flags: GuestDescriptor.indirect)
        ])
        #expect(throws: QueueError.indirect("lies in a table of indirect descriptors")) {
            try pair.pop()
        }
    }

    @Test("without its feature an indirect descriptor is an error")
    func indirectNotNegotiated() throws {
        let pair = try QueuePair(features: [.version1])
        try pair.driver.offer([GuestDescriptor(address: 0xA000, length: 16, flags: GuestDescriptor.indirect)])
        #expect(throws: QueueError.indirect("was not negotiated")) {
            try pair.pop()
        }
    }

    @Test("a loop of descriptors ends with an error")
    func loop() throws {
        let pair = try QueuePair()
        for index in 0..<8 as Range<UInt16> {
            try pair.driver.setDescriptor(
                index,
                GuestDescriptor(
                    address: 0x8000, length: 1, flags: GuestDescriptor.next, next: (index + 1) % 8))
        }
        try pair.driver.makeAvailable(3)
        #expect(throws: QueueError.endlessChain) { try pair.pop() }
    }

    @Test(
        "a buffer outside of RAM is an error",
        arguments: [(0x10_0000, 1), (0xF_FFFF, 2), (0xFFFF_FFFF_FFFF_FFFF, 2), (0xFFFF_F000, 0xFFFF_FFFF)]
            as [(UInt64, UInt32)])
    func outside(address: UInt64, length: UInt32) throws {
        let pair = try QueuePair()
        try pair.driver.offer([GuestDescriptor(address: address, length: length)])
        #expect(throws: QueueError.buffer(address: address, length: length)) {
            try pair.pop()
        }
    }

    @Test("a descriptor to read from behind one to write to is an error")
    func order() throws {
        let pair = try QueuePair()
        try pair.driver.offer([
            GuestDescriptor(address: 0x8000, length: 1, flags: GuestDescriptor.write),
            GuestDescriptor(address: 0x8000, length: 1),
        ])
        #expect(throws: QueueError.direction) { try pair.pop() }
    }

    @Test("heads and successors past the table are errors")
    func numbers() throws {
        let pair = try QueuePair()
        try pair.driver.makeAvailable(8)
        #expect(throws: QueueError.descriptorIndex(8, limit: 8)) { try pair.pop() }
        let other = try QueuePair()
        try other.driver.setDescriptor(
            0, GuestDescriptor(address: 0x8000, length: 1, flags: GuestDescriptor.next, next: 0xFFFF))
        try other.driver.makeAvailable(0)
        #expect(throws: QueueError.descriptorIndex(0xFFFF, limit: 8)) {
            try other.pop()
        }
    }

    @Test("an index that jumps past the ring is an error", arguments: [9, 0x8000, 0xFFFF] as [UInt16])
    func jump(index: UInt16) throws {
        let pair = try QueuePair()
        try pair.driver.setAvailableIndex(index)
        #expect(throws: QueueError.availableIndex(index, expected: 0)) {
            try pair.pop()
        }
    }

    @Test("with event indices an interrupt comes only when the driver's event is passed")
    func interruptEvent() throws {
        let pair = try QueuePair(features: [.version1, .eventIndex])
        try pair.driver.setUsedEvent(2)
        for expected in [0, 0, 1, 1] {
            try pair.driver.offer([GuestDescriptor(address: 0x8000, length: 1)])
            #expect(try pair.pop())
            pair.push(written: 0)
            pair.queue.signal()
            #expect(pair.line.edges == expected)
        }
    }

    @Test("without event indices the driver's flag decides")
    func interruptFlag() throws {
        let pair = try QueuePair()
        for (flags, expected) in [(1, 0), (0, 1)] as [(UInt16, Int)] {
            try pair.driver.setFlags(flags)
            try pair.driver.offer([GuestDescriptor(address: 0x8000, length: 1)])
            #expect(try pair.pop())
            pair.push(written: 0)
            pair.queue.signal()
            #expect(pair.line.edges == expected)
        }
        pair.queue.signal()
        #expect(pair.line.edges == 1, "nothing new was given back")
    }

    @Test("asking for notification finds what came meanwhile")
    func notification() throws {
        let pair = try QueuePair(features: [.version1, .eventIndex])
        #expect(try !pair.enableNotification())
        #expect(try pair.driver.availableEvent() == 0)
        try pair.driver.offer([GuestDescriptor(address: 0x8000, length: 1)])
        #expect(try pair.enableNotification())
        #expect(try pair.pop())
        #expect(try !pair.enableNotification())
        #expect(try pair.driver.availableEvent() == 1)

        let plain = try QueuePair()
        plain.queue.disableNotification()
        #expect(try plain.driver.usedFlags() == 1)
        #expect(try !plain.enableNotification())
        #expect(try plain.driver.usedFlags() == 0)
    }

    @Test("sizes that are none and areas that are not aligned RAM are refused")
    func places() throws {
        let memory = try PhysicalMemory(layout: try #require(AddressSpaceLayout(size: 1 << 20)))
        let signals = DeviceSignals(line: FakeInterruptLine(), log: DeviceLog("test") { _ in })
        func make(_ place: QueuePlace) throws(QueueError) {
            _ = try VirtQueue(
                index: 0, place, maximum: 256, features: [.version1], memory: memory, signals: signals)
        }
        let good = QueuePlace(size: 8, descriptors: 0x1000, driverArea: 0x2000, deviceArea: 0x3000)
        try make(good)
        for size in [0, 3, 512, 0xFFFF] as [UInt16] {
            var place = good
            place.size = size
            #expect(throws: QueueError.size(UInt32(size), maximum: 256)) { try make(place) }
        }
        for (change, name) in [
            (\QueuePlace.descriptors, "descriptor table"), (\.driverArea, "available ring"),
            (\.deviceArea, "used ring"),
        ] as [(WritableKeyPath<QueuePlace, UInt64>, String)] {
            for address in [0x1001, 0xF_FFF8, 0x10_0000, UInt64.max - 15] as [UInt64] {
                var place = good
                place[keyPath: change] = address
                #expect(throws: QueueError.ring(name, address: address)) { try make(place) }
            }
        }
    }
}
