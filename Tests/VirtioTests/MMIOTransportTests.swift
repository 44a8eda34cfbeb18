import Devices
import GuestMemory
import MachineTesting
import Testing
import Virtio

@Suite("virtio-mmio")
struct MMIOTransportTests {
    @Test("a driver finds the device by its registers")
    func identity() throws {
        let driver = try GuestDriver { try EntropyDevice($0) }
        #expect(driver.register(0x000) == 0x7472_6976)
        #expect(driver.register(0x004) == 2)
        #expect(driver.register(0x008) == 4)
        #expect(driver.register(0x034) == 64)
        driver.setRegister(0x30, 1)
        #expect(driver.register(0x034) == 0, "there is no second queue")
        #expect(driver.register(0x0B0) == .max, "there is no shared memory region")
        #expect(driver.offeredFeatures().isSuperset(of: [.version1, .eventIndex, .indirectDescriptors]))
    }

    @Test("random bytes come to a driver that does it by the book")
    func wholeWay() throws {
        let driver = try GuestDriver { try EntropyDevice($0) }
        try driver.start()
        #expect(driver.status == [.acknowledge, .driver, .featuresOK, .driverOK])
        let buffer = driver.allocate(4096)
        try driver.queues[0].offer([
            GuestDescriptor(address: buffer, length: 256, flags: GuestDescriptor.write)
        ])
        driver.notify(0)
        let used = try #require(try driver.queues[0].takeUsed())
        #expect(used.written == 256)
        let bytes = try driver.memory.bytes(at: GuestAddress(buffer), count: 257)
        #expect(Set(bytes[0..<256]).count > 50)
        #expect(bytes[256] == 0)
        #expect(driver.line.edges == 1)
        #expect(driver.register(0x60) == 1)
        driver.setRegister(0x64, 1)
        #expect(driver.register(0x60) == 0)
    }

    @Test("features the device does not offer, or no version 1, are refused")
    func negotiation() throws {
        let driver = try GuestDriver { try EntropyDevice($0) }
        #expect(!driver.negotiate([.eventIndex]))
        #expect(!driver.negotiate([.version1, .packedRing]))
        #expect(driver.negotiate([.version1]))
        // Once accepted they stay: what is written now is not looked at.
        driver.setRegister(0x24, 1)
        driver.setRegister(0x20, 0xFFFF_FFFF)
        driver.setRegister(0x70, 15)
        #expect(driver.status.contains(.driverOK))
    }

    @Test("without accepted features a device does not go live")
    func order() throws {
        let driver = try GuestDriver { try EntropyDevice($0) }
        driver.setRegister(0x70, 0)
        driver.setRegister(0x70, 7)
        #expect(!driver.status.contains(.driverOK))
    }

    @Test("a broken queue asks for a reset, tells the driver, and works again after it")
    func needsReset() throws {
        let driver = try GuestDriver { try EntropyDevice($0) }
        try driver.start()
        try driver.queues[0].setAvailableIndex(0x8000)
        driver.notify(0)
        #expect(driver.status.contains(.needsReset))
        #expect(driver.register(0x60) & 2 == 2)
        #expect(driver.signals.failures == 1)
        driver.notify(0)
        #expect(driver.signals.failures == 1, "a broken device is left alone")
        #expect(driver.log.count == 1)
        #expect(driver.log.first?.contains("available index jumped from 0 to 32768") == true)

        driver.setRegister(0x70, 0)
        #expect(driver.status == [])
        try driver.start()
        try driver.queues[0].offer([
            GuestDescriptor(address: driver.allocate(16), length: 16, flags: GuestDescriptor.write)
        ])
        driver.notify(0)
        #expect(try driver.queues[0].takeUsed() != nil)
    }

    @Test("a live queue cannot be moved")
    func liveQueue() throws {
        let driver = try GuestDriver { try EntropyDevice($0) }
        try driver.start()
        driver.place(0, QueuePlace(size: 3, descriptors: .max, driverArea: .max, deviceArea: .max))
        driver.setRegister(0x44, 0)
        #expect(driver.register(0x44) == 1)
        try driver.queues[0].offer([
            GuestDescriptor(address: driver.allocate(16), length: 16, flags: GuestDescriptor.write)
        ])
        driver.notify(0)
        #expect(try driver.queues[0].takeUsed() != nil)
    }

    @Test("a queue of a wrong size or place is found when the driver says it is ready")
    func wrongQueues() throws {
        for place in [
            QueuePlace(size: 0, descriptors: 0x1000, driverArea: 0x2000, deviceArea: 0x3000),
            QueuePlace(size: 7, descriptors: 0x1000, driverArea: 0x2000, deviceArea: 0x3000),
            QueuePlace(size: 128, descriptors: 0x1000, driverArea: 0x2000, deviceArea: 0x3000),
            QueuePlace(size: 8, descriptors: .max, driverArea: 0x2000, deviceArea: 0x3000),
            QueuePlace(size: 8, descriptors: 0x1000, driverArea: 1 << 40, deviceArea: 0x3000),
        ] {
            let driver = try GuestDriver { try EntropyDevice($0) }
            #expect(driver.negotiate([.version1]))
            driver.place(0, place)
            driver.setRegister(0x70, 15)
            #expect(driver.status.contains(.needsReset))
            driver.notify(0)
        }
    }

    @Test("every offset in every width can be read and written without harm")
    func everywhere() throws {
        let driver = try GuestDriver { try EntropyDevice($0) }
        for width in AccessWidth.allCases {
            for offset in 0..<MMIOTransport.size where offset + width.byteCount <= MMIOTransport.size {
                _ = driver.transport.read(offset: offset, width: width)
                for value in [0, 1, 0xFF, UInt64.max & width.mask] {
                    _ = driver.transport.write(offset: offset, width: width, value: value)
                }
            }
        }
        try driver.start()
        #expect(driver.status.contains(.driverOK))
    }
}
