import GuestMemory
import Synchronization
import Testing

@testable import Devices

@Suite("Buses")
struct BusTests {
    @Test("every port reaches its own device with its offset, and its neighbours nobody")
    func dispatch() throws {
        let devices = (0..<9).map { FakeDevice(reads: UInt64($0)) }
        let claims = devices.enumerated().map { index, device in
            BusClaim("device \(index)", at: UInt64(index) * 0x100 + 0x10, size: 8, device: device)
        }
        let bus = try PortBus(claims.shuffled())
        for (index, device) in devices.enumerated() {
            let base = UInt16(index) * 0x100 + 0x10
            #expect(bus.read(port: base, width: .byte) == UInt32(index))
            #expect(bus.write(port: base + 7, width: .byte, value: 0xFFF_FF42) == .none)
            #expect(device.lastAccess == FakeDevice.Access(offset: 7, width: .byte, value: 0x42))
            #expect(bus.read(port: base - 1, width: .byte) == 0xFF)
            #expect(bus.read(port: base + 8, width: .byte) == 0xFF)
        }
    }

    @Test("an overlap is refused and names both devices")
    func overlap() {
        let device = FakeDevice()
        #expect(throws: BusError.overlap("serial", "clock", at: 0x3FF)) {
            try PortBus([
                BusClaim("clock", at: 0x3FF, size: 2, device: device),
                BusClaim("serial", at: 0x3F8, size: 8, device: device),
            ])
        }
        let error = BusError.overlap("serial", "clock", at: 0x3FF)
        #expect(error.description == "devices 'serial' and 'clock' both claim 0x3ff")
    }

    @Test("empty claims and claims past the end are refused")
    func badClaims() {
        let device = FakeDevice()
        #expect(throws: BusError.empty("a")) { try PortBus([BusClaim("a", at: 1, size: 0, device: device)]) }
        #expect(throws: BusError.outside("a", last: 0xFFFF)) {
            try PortBus([BusClaim("a", at: 0xFFFF, size: 2, device: device)])
        }
        #expect(throws: BusError.outside("a", last: .max)) {
            try MemoryBus([BusClaim("a", at: .max, size: 2, device: device)])
        }
    }

    @Test("the last port and the last address can be claimed")
    func lastAddress() throws {
        let ports = try PortBus([BusClaim("a", at: 0xFFFF, size: 1, device: FakeDevice(reads: 5))])
        #expect(ports.read(port: 0xFFFF, width: .byte) == 5)
        #expect(ports.read(port: 0xFFFF, width: .doubleWord) == 0xFFFF_FFFF)
        let memory = try MemoryBus([BusClaim("a", at: .max, size: 1, device: FakeDevice(reads: 5))])
        #expect(memory.read(GuestAddress(.max), width: .byte) == 5)
        #expect(memory.read(GuestAddress(.max), width: .quadWord) == .max)
    }

    @Test("an empty bus reads all ones at every width and counts", arguments: AccessWidth.allCases)
    func nobody(width: AccessWidth) throws {
        let ports = try PortBus([])
        let memory = try MemoryBus([])
        #expect(ports.read(port: 0x1234, width: width) == UInt32(truncatingIfNeeded: width.mask))
        #expect(ports.write(port: 0x1234, width: width, value: 1) == .none)
        #expect(ports.write(port: 0x1234, width: width, value: 1) == .none)
        #expect(memory.read(GuestAddress(0xD000_0000), width: width) == width.mask)
        #expect(memory.write(GuestAddress(0xD000_0000), width: width, value: 1) == .none)
        #expect(ports.unclaimedReads == 1 && ports.unclaimedWrites == 2)
        #expect(memory.unclaimedReads == 1 && memory.unclaimedWrites == 1)
    }

    @Test("masks are all ones of the width")
    func masks() {
        #expect(AccessWidth.allCases.map(\.mask) == [0xFF, 0xFFFF, 0xFFFF_FFFF, .max])
    }

    @Test("an access that straddles a claim's end is unanswered")
    func straddle() throws {
        let device = FakeDevice(reads: 1)
        let bus = try PortBus([BusClaim("a", at: 0x10, size: 4, device: device)])
        #expect(bus.read(port: 0x12, width: .word) == 1)
        #expect(bus.read(port: 0x13, width: .word) == 0xFFFF)
        #expect(bus.read(port: 0x0F, width: .word) == 0xFFFF)
        #expect(bus.unclaimedReads == 2)
    }

    @Test("a read is cut to the width")
    func readMask() throws {
        let bus = try PortBus([BusClaim("a", at: 0, size: 4, device: FakeDevice(reads: .max))])
        #expect(bus.read(port: 0, width: .byte) == 0xFF)
    }

    @Test("each unclaimed port and page is reported once")
    func reportedOnce() throws {
        let reports = Mutex<[UnclaimedAccess]>([])
        let log = UnclaimedAccessLog { access in reports.withLock { $0.append(access) } }
        let ports = try PortBus([], log: log)
        let memory = try MemoryBus([], log: log)
        for _ in 0..<3 {
            _ = ports.read(port: 0x61, width: .byte)
            _ = ports.write(port: 0xFFFF, width: .byte, value: 0)
            _ = memory.read(GuestAddress(0xFED0_0000), width: .doubleWord)
            _ = memory.write(GuestAddress(0xFED0_0008), width: .doubleWord, value: 0)
        }
        #expect(
            reports.withLock { $0 } == [
                UnclaimedAccess(space: .port, address: 0x61, width: .byte, isWrite: false),
                UnclaimedAccess(space: .port, address: 0xFFFF, width: .byte, isWrite: true),
                UnclaimedAccess(space: .memory, address: 0xFED0_0000, width: .doubleWord, isWrite: false),
            ])
    }

    @Test("a guest that touches everything gets a bounded log")
    func boundedLog() throws {
        let reports = Counter()
        let log = UnclaimedAccessLog { _ in reports.increment() }
        let memory = try MemoryBus([], log: log)
        for page in 0..<10_000 as Range<UInt64> {
            _ = memory.read(GuestAddress(page << 12), width: .byte)
        }
        #expect(reports.count == UnclaimedAccessLog.pageLimit)
        #expect(memory.unclaimedReads == 10_000)
    }

    @Test("a wide access to a byte-wide device becomes byte accesses, and an end is not lost")
    func lanes() throws {
        let clock = CMOSClock { 0 }
        let bus = try PortBus([
            BusClaim("clock", at: CMOSClock.port, size: CMOSClock.size, device: clock),
            BusClaim("power", at: 0x600, size: ACPIPower.size, device: ACPIPower()),
        ])
        #expect(bus.write(port: 0x70, width: .word, value: 0xAB40) == .none)
        #expect(bus.read(port: 0x70, width: .word) == 0xABFF)
        #expect(bus.write(port: 0x600, width: .word, value: 0x0034) == .end(.powerOff))
        #expect(bus.write(port: 0x601, width: .word, value: 0x01FF) == .end(.reset))
    }
}
