import Synchronization
import Testing
import X86

@testable import Devices

@Suite("I/O APIC")
struct IOAPICTests {
    let sink = FakeMessageSink()
    let apic: IOAPIC

    init() { apic = IOAPIC(sink: sink) }

    func write(_ register: UInt64, _ value: UInt32) {
        _ = apic.write(offset: 0, width: .doubleWord, value: register)
        _ = apic.write(offset: 0x10, width: .doubleWord, value: UInt64(value))
    }

    func read(_ register: UInt64) -> UInt32 {
        _ = apic.write(offset: 0, width: .doubleWord, value: register)
        return UInt32(truncatingIfNeeded: apic.read(offset: 0x10, width: .doubleWord))
    }

    func setEntry(_ pin: Int, low: UInt32, high: UInt32 = 0) {
        write(UInt64(0x11 + 2 * pin), high)
        write(UInt64(0x10 + 2 * pin), low)
        sink.clear()
    }

    let edge: UInt32 = 0x30
    let level: UInt32 = 0x8031
    let masked: UInt32 = 1 << 16

    @Test("it is a version 0x20 with 24 entries, all masked")
    func powerOn() {
        #expect(read(1) == 0x0017_0020)
        for pin in 0..<24 as Range<UInt64> {
            #expect(read(0x10 + 2 * pin) == 0x0001_0000 && read(0x11 + 2 * pin) == 0)
        }
        #expect(read(0x0F) == 0 && read(0x40) == 0 && read(0xFF) == 0)
        write(0, 0xFFFF_FFFF)
        #expect(read(0) == 0x0F00_0000 && read(2) == 0x0F00_0000)
    }

    @Test("delivery status and remote IRR cannot be written, nor reserved bits")
    func readOnlyBits() {
        write(0x10, 0xFFFF_FFFF)
        write(0x11, 0xFFFF_FFFF)
        #expect(read(0x10) == 0x0001_AFFF && read(0x11) == 0xFFFE_0000)
    }

    @Test("only 32-bit accesses reach the window and the EOI register")
    func widths() {
        _ = apic.write(offset: 0, width: .byte, value: 0x10)
        for width in [AccessWidth.byte, .word, .quadWord] {
            _ = apic.write(offset: 0x10, width: width, value: 0x30)
        }
        #expect(read(0x10) == 0x0001_0000)
        #expect(apic.read(offset: 0x20, width: .doubleWord) == 0)
        #expect(apic.read(offset: 0, width: .doubleWord) == 0x10)
    }

    @Test("an edge-triggered pin sends once a rise")
    func edges() throws {
        setEntry(4, low: edge, high: 0x0500_0000)
        let line = try #require(apic.line(pin: 4))
        line.set(asserted: true)
        line.set(asserted: true)
        #expect(sink.sent == [InterruptMessage(address: 0xFEE0_5000, data: 0x30)])
        line.set(asserted: false)
        line.pulse()
        #expect(sink.sent.count == 2)
    }

    @Test("an edge on a masked pin is lost")
    func maskedEdge() throws {
        setEntry(4, low: edge | masked)
        try #require(apic.line(pin: 4)).pulse()
        apic.setLine(pin: 4, asserted: true)
        write(0x18, edge)
        #expect(sink.sent.isEmpty)
        apic.setLine(pin: 4, asserted: false)
        apic.setLine(pin: 4, asserted: true)
        #expect(sink.sent.count == 1)
    }

    @Test("a level-triggered pin sends once until the end of interrupt, then again while asserted")
    func levels() {
        setEntry(9, low: level)
        apic.setLine(pin: 9, asserted: true)
        apic.setLine(pin: 9, asserted: false)
        apic.setLine(pin: 9, asserted: true)
        #expect(sink.sent == [InterruptMessage(address: 0xFEE0_0000, data: 0xC031)])
        #expect(read(0x22) & 0x4000 != 0)
        apic.endOfInterrupt(vector: 0x30)
        #expect(sink.sent.count == 1)
        apic.endOfInterrupt(vector: 0x31)
        #expect(sink.sent.count == 2)
        apic.setLine(pin: 9, asserted: false)
        apic.endOfInterrupt(vector: 0x31)
        #expect(sink.sent.count == 2)
        #expect(read(0x22) & 0x4000 == 0)
    }

    @Test("a masked level waits and is sent when unmasked")
    func maskedLevel() {
        setEntry(9, low: level | masked)
        apic.setLine(pin: 9, asserted: true)
        #expect(sink.sent.isEmpty)
        write(0x22, level)
        #expect(sink.sent.count == 1)
    }

    @Test("an interrupt masked while in service ends, and comes again only when unmasked")
    func maskedInService() {
        setEntry(9, low: level)
        apic.setLine(pin: 9, asserted: true)
        write(0x22, level | masked)
        #expect(read(0x22) & 0x4000 != 0)
        apic.endOfInterrupt(vector: 0x31)
        #expect(sink.sent.count == 1)
        write(0x22, level)
        #expect(sink.sent.count == 2)
        #expect(sink.routes.isEmpty)
    }

    @Test("two pins with one vector are both ended by it")
    func sharedVector() {
        setEntry(9, low: level)
        setEntry(10, low: level)
        apic.setLine(pin: 9, asserted: true)
        apic.setLine(pin: 10, asserted: true)
        _ = apic.write(offset: 0x40, width: .doubleWord, value: 0x31)
        #expect(sink.sent.count == 4)
    }

    @Test("an entry that becomes edge-triggered loses its remote IRR")
    func switchToEdge() {
        setEntry(9, low: level)
        apic.setLine(pin: 9, asserted: true)
        write(0x22, (level & ~0x8000) | masked)
        #expect(read(0x22) & 0x4000 == 0)
        write(0x22, level)
        #expect(sink.sent.count == 2)
    }

    @Test("a level that no local APIC took is tried again with the next change")
    func refused() {
        setEntry(9, low: level)
        sink.setAccepts(false)
        apic.setLine(pin: 9, asserted: true)
        #expect(read(0x22) & 0x4000 == 0)
        sink.setAccepts(true)
        apic.setLine(pin: 9, asserted: true)
        #expect(sink.sent.count == 2)
        #expect(read(0x22) & 0x4000 != 0)
    }

    @Test("messages carry delivery mode, destination mode and ids beyond 255")
    func messages() {
        setEntry(0, low: 0x0000_0941, high: 0x0300_0000)
        #expect(
            apic.route(pin: 0)?.message == InterruptMessage(address: 0xFEE0_3004, data: 0x141))
        // Destination 0x1234: low byte in bits 63:56, the others in 55:49.
        setEntry(1, low: 0x0000_0041, high: 0x3400_0000 | 0x12 << 17)
        #expect(apic.route(pin: 1)?.message == InterruptMessage(address: 0xFEE3_4000 | 0x12 << 5, data: 0x41))
        setEntry(2, low: 0x0000_2041)
        #expect(apic.route(pin: 2)?.message == InterruptMessage(address: 0xFEE0_0000, data: 0x41))
    }

    @Test("the sink learns a route before the first message of it, and only new ones")
    func routes() {
        write(0x22, level | masked)
        write(0x23, 0x0100_0000)
        #expect(sink.all.isEmpty)
        apic.setLine(pin: 9, asserted: true)
        write(0x22, level)
        let message = InterruptMessage(address: 0xFEE0_1000, data: 0xC031)
        let route = IOAPICRoute(message: message, isLevelTriggered: true, isMasked: false)
        #expect(sink.all == [.route(pin: 9, route), .sent(message)])
        write(0x22, level | masked)
        write(0x22, level)
        #expect(sink.routes.count == 1)
        write(0x23, 0x0200_0000)
        #expect(sink.routes.count == 2)
    }

    @Test("masking an edge-triggered pin is told, as others may bypass the mask")
    func edgeRoutes() {
        write(0x18, edge)
        write(0x18, edge | masked)
        write(0x18, (edge + 1) | masked)
        write(0x18, edge)
        #expect(sink.routes.map(\.route.isMasked) == [false, true, false])
        #expect(sink.routes.allSatisfy { $0.pin == 4 })
    }

    @Test("what happens while a route is made known is sent after it, not lost")
    func heldWhileRouteChanges() {
        setEntry(4, low: edge)
        let apic = apic
        sink.whileRouteChanges.withLock { $0 = { apic.setLine(pin: 4, asserted: true) } }
        write(0x18, edge + 1)
        #expect(sink.all.count == 2)
        #expect(sink.sent == [InterruptMessage(address: 0xFEE0_0000, data: 0x31)])
    }

    @Test("a reset masks every pin and tells the sink, and lines keep their level")
    func reset() {
        setEntry(4, low: edge)
        setEntry(9, low: level)
        apic.setLine(pin: 9, asserted: true)
        sink.clear()
        apic.reset()
        #expect(sink.routes.map(\.pin) == [4, 9] && sink.routes.allSatisfy { $0.route.isMasked })
        write(0x22, level)
        #expect(sink.sent.count == 1)
    }

    @Test("pins that do not exist are ignored", arguments: [-1, 24, Int.max, Int.min])
    func noSuchPin(pin: Int) {
        apic.setLine(pin: pin, asserted: true)
        #expect(apic.line(pin: pin) == nil && apic.route(pin: pin) == nil)
    }
}
