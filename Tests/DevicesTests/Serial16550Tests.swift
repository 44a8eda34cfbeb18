import HostSystem
import Testing

@testable import Devices

/// A serial port with everything around it.
struct SerialFixture {
    let line = FakeInterruptLine()
    let clock = ManualClock(1_000_000_000)
    let wakes = Counter()
    let spaces = Counter()
    let output: ConsoleOutputBuffer
    let serial: Serial16550

    init(capacity: Int = 4096) throws {
        let (line, clock, wakes, spaces) = (line, clock, wakes, spaces)
        output = try ConsoleOutputBuffer(capacity: capacity) { wakes.increment() }
        serial = Serial16550(
            output: output, interrupt: line, now: { UInt64(clock.now) }, receiveSpace: { spaces.increment() })
        _ = serial.writeRegister(2, 0x01)
        _ = serial.writeRegister(4, 0x0B)
    }

    func write(_ byte: UInt8) { _ = serial.writeRegister(0, byte) }
    func fill() { while isReady { for _ in 0..<16 { write(0x2E) } } }
    var isReady: Bool { serial.readRegister(5) & 0x20 != 0 }
    func drain(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        return Array(bytes[..<serial.drainOutput(into: &bytes)])
    }
}

@Suite("Serial port")
struct Serial16550Tests {
    @Test("what the guest writes comes out in order, past the ring's end too")
    func order() throws {
        let fixture = try SerialFixture()
        var expected: UInt8 = 0
        for round in 0..<100 {
            for byte in 0..<200 { fixture.write(UInt8(truncatingIfNeeded: round * 200 + byte)) }
            for byte in fixture.drain(200) {
                #expect(byte == expected)
                expected &+= 1
            }
        }
        #expect(expected == UInt8(truncatingIfNeeded: 20_000))
        #expect(fixture.output.droppedBytes == 0 && fixture.output.count == 0)
    }

    @Test("the drain thread is woken once until it has taken everything")
    func wakeOnce() throws {
        let fixture = try SerialFixture()
        for byte in 0..<10 as Range<UInt8> { fixture.write(byte) }
        #expect(fixture.wakes.count == 1)
        #expect(fixture.drain(4) == [0, 1, 2, 3])
        fixture.write(10)
        #expect(fixture.wakes.count == 1)
        #expect(fixture.drain(100).count == 7)
        fixture.write(11)
        #expect(fixture.wakes.count == 2)
    }

    @Test("a driver that writes sixteen bytes when the port is ready loses nothing")
    func backPressure() throws {
        let fixture = try SerialFixture()
        fixture.fill()
        #expect(fixture.output.count == 4096 && fixture.output.droppedBytes == 0)
        #expect(fixture.serial.readRegister(5) == 0)
        #expect(fixture.drain(15).count == 15)
        #expect(!fixture.isReady)
        #expect(fixture.drain(1).count == 1)
        #expect(fixture.isReady)
    }

    @Test("a byte written to a port that is not ready is dropped and counted")
    func dropped() throws {
        let fixture = try SerialFixture()
        fixture.fill()
        for _ in 0..<5 { fixture.write(0) }
        #expect(fixture.output.droppedBytes == 5)
        #expect(!fixture.isReady)
    }

    @Test("room in the ring raises the transmitter's interrupt")
    func interruptOnRoom() throws {
        let fixture = try SerialFixture()
        fixture.fill()
        _ = fixture.serial.writeRegister(1, 0x02)
        #expect(!fixture.line.isAsserted)
        #expect(fixture.drain(16).count == 16)
        #expect(fixture.line.isAsserted)
        #expect(fixture.serial.readRegister(2) == 0xC2)
        #expect(!fixture.line.isAsserted)
    }

    @Test("a full ring wakes the drain thread, which learns when to come back")
    func deadline() throws {
        let fixture = try SerialFixture()
        #expect(fixture.serial.reviewOutput() == nil)
        fixture.write(0)
        #expect(fixture.wakes.count == 1)
        fixture.fill()
        #expect(fixture.wakes.count == 2)
        #expect(fixture.serial.reviewOutput() == 1_100_000_000)
    }

    @Test("a reader that stalls makes the port ready after 100 ms, and what it misses is counted")
    func stalledReader() throws {
        let fixture = try SerialFixture()
        fixture.fill()
        _ = fixture.serial.writeRegister(1, 0x02)
        fixture.clock.advance(milliseconds: 99)
        #expect(fixture.serial.reviewOutput() != nil)
        #expect(!fixture.isReady && !fixture.line.isAsserted)
        fixture.clock.advance(milliseconds: 1)
        #expect(fixture.serial.reviewOutput() == nil)
        #expect(fixture.isReady && fixture.line.isAsserted)
        for _ in 0..<1000 {
            fixture.write(0x21)
            #expect(fixture.isReady)
        }
        #expect(fixture.output.droppedBytes == 1000)
    }

    @Test("when a stalled reader moves again, the port heeds it again")
    func recovery() throws {
        let fixture = try SerialFixture()
        fixture.fill()
        fixture.clock.advance(milliseconds: 500)
        #expect(fixture.isReady)
        #expect(fixture.drain(1).count == 1)
        fixture.write(0x21)
        #expect(fixture.output.droppedBytes == 0)
        #expect(!fixture.isReady)
        fixture.clock.advance(milliseconds: 99)
        #expect(!fixture.isReady)
        #expect(fixture.drain(4096).count == 4096)
        #expect(fixture.isReady)
        fixture.write(0x22)
        #expect(fixture.drain(1) == [0x22])
    }

    @Test("a reader that takes a little every 90 ms never counts as stalled")
    func slowReader() throws {
        let fixture = try SerialFixture()
        fixture.fill()
        for _ in 0..<15 {
            fixture.clock.advance(milliseconds: 90)
            #expect(fixture.drain(1).count == 1)
            #expect(!fixture.isReady)
        }
        #expect(fixture.output.droppedBytes == 0)
    }

    @Test("a paste of 100 KB reaches a guest that reads by interrupt, without loss")
    func paste() throws {
        let fixture = try SerialFixture()
        _ = fixture.serial.writeRegister(2, 0x81)
        _ = fixture.serial.writeRegister(1, 0x01)
        let pasted = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var sent = fixture.serial.receive(pasted.span)
        #expect(sent == ConsoleInputQueue.capacity)
        var read: [UInt8] = []
        while fixture.line.isAsserted {
            read.append(fixture.serial.readRegister(0))
            #expect(fixture.serial.readRegister(5) & 0x02 == 0)
            if fixture.spaces.count > 0, sent < pasted.count, read.count % 2048 == 0 {
                sent += fixture.serial.receive(pasted.span.extracting(sent...))
            }
        }
        #expect(read == pasted)
        #expect(fixture.spaces.count > 10)
    }

    @Test("room is announced once, when half of the queue is free, and only to who was refused")
    func receiveSpace() throws {
        let fixture = try SerialFixture()
        let bytes = [UInt8](repeating: 1, count: 4096)
        #expect(fixture.serial.receive(bytes.span) == 4096)
        #expect(fixture.serial.receive(bytes.span) == 16)
        for _ in 0..<2047 { _ = fixture.serial.readRegister(0) }
        #expect(fixture.spaces.count == 0)
        _ = fixture.serial.readRegister(0)
        #expect(fixture.spaces.count == 1)
        while fixture.serial.readRegister(5) & 1 != 0 { _ = fixture.serial.readRegister(0) }
        #expect(fixture.spaces.count == 1)
    }

    @Test("without a FIFO each transmitted byte is an edge of its own")
    func edges() throws {
        let fixture = try SerialFixture()
        _ = fixture.serial.writeRegister(2, 0)
        _ = fixture.serial.writeRegister(1, 0x02)
        for _ in 0..<5 { fixture.write(0x41) }
        #expect(fixture.line.rises == 6 && fixture.line.isAsserted)
    }

    @Test("during a pause input waits and the line stands still; after it both catch up")
    func pause() throws {
        let fixture = try SerialFixture()
        _ = fixture.serial.writeRegister(1, 0x01)
        fixture.serial.pause()
        #expect(fixture.serial.receive([1, 2].span) == 2)
        #expect(!fixture.line.isAsserted)
        fixture.serial.resume()
        #expect(fixture.line.isAsserted)
        #expect(fixture.serial.readRegister(0) == 1)
    }

    @Test("a reset drops the line and the registers but not what is to be shown")
    func reset() throws {
        let fixture = try SerialFixture()
        _ = fixture.serial.writeRegister(1, 0x02)
        fixture.write(0x41)
        #expect(fixture.line.isAsserted)
        fixture.serial.reset()
        #expect(!fixture.line.isAsserted)
        #expect(fixture.serial.readRegister(1) == 0 && fixture.serial.readRegister(4) == 0)
        #expect(fixture.drain(10) == [0x41])
    }
}
