import Testing

@testable import Devices

@Suite("16550A registers")
struct UARTRegistersTests {
    /// Registers with the interrupt gate open and some interrupts enabled.
    func makeRegisters(enable: UInt8 = 0, fifo: UInt8? = nil) -> UARTRegisters {
        var registers = UARTRegisters()
        _ = registers.write(4, 0x0B)
        _ = registers.read(6)
        if let fifo { _ = registers.write(2, fifo) }
        _ = registers.write(1, enable)
        return registers
    }

    /// Writes THR and lets the byte go out at once.
    func transmit(_ byte: UInt8, _ registers: inout UARTRegisters) -> UInt8? {
        let sent = registers.write(0, byte)
        registers.setTransmitter(ready: true)
        return sent
    }

    @Test("after power-on it is idle: nothing received, transmitter empty, no interrupt")
    func powerOn() {
        var registers = UARTRegisters()
        #expect(registers.read(5) == 0x60)
        #expect(registers.read(2) == 0x01)
        #expect(registers.read(6) == 0xB0)
        #expect(!registers.requestsInterrupt)
    }

    @Test("with DLAB the first two registers are the divisor")
    func divisor() {
        var registers = UARTRegisters()
        #expect(registers.write(3, 0x83) == nil)
        #expect(registers.write(0, 0x34) == nil)
        #expect(registers.write(1, 0x12) == nil)
        #expect(registers.read(0) == 0x34 && registers.read(1) == 0x12)
        _ = registers.write(3, 0x03)
        #expect(registers.read(1) == 0)
        #expect(registers.write(0, 0x41) == 0x41)
    }

    @Test("only the bits that exist can be set, and scratch holds everything")
    func fixedBits() {
        var registers = UARTRegisters()
        _ = registers.write(1, 0xFF)
        _ = registers.write(4, 0xFF)
        _ = registers.write(7, 0x5A)
        #expect(registers.read(1) == 0x0F)
        #expect(registers.read(4) == 0x1F)
        #expect(registers.read(7) == 0x5A)
    }

    @Test("Linux's autoconfig finds a 16550A and its loopback answers")
    func linuxAutoconfig() {
        var registers = UARTRegisters()
        _ = registers.write(1, 0)
        #expect(registers.read(1) & 0x0F == 0)
        _ = registers.write(1, 0x0F)
        #expect(registers.read(1) & 0x0F == 0x0F)
        _ = registers.write(1, 0)
        _ = registers.write(4, 0x10 | 0x0A)
        #expect(registers.read(6) & 0xF0 == 0x90)
        _ = registers.write(4, 0)
        _ = registers.write(3, 0xBF)
        _ = registers.write(2, 0)
        _ = registers.write(3, 0)
        _ = registers.write(2, 0x01)
        #expect(registers.read(2) >> 6 == 3)
    }

    @Test("Linux's test for a lost transmitter interrupt finds none")
    func linuxTransmitterTest() {
        var registers = makeRegisters()
        _ = registers.write(1, 0x02)
        #expect(registers.read(2) == 0x02)
        _ = registers.write(1, 0)
        _ = registers.write(1, 0x02)
        #expect(registers.read(2) == 0x02)
        #expect(registers.read(2) == 0x01)
    }

    @Test("reading IIR ends the transmitter's interrupt only if it was the one shown")
    func transmitterInterrupt() {
        var registers = makeRegisters(enable: 0x03)
        #expect(registers.requestsInterrupt)
        registers.receive(0x41)
        #expect(registers.read(2) == 0x04)
        #expect(registers.read(0) == 0x41)
        #expect(registers.read(2) == 0x02)
        #expect(registers.read(2) == 0x01)
        #expect(!registers.requestsInterrupt)
        #expect(transmit(0x42, &registers) == 0x42)
        #expect(registers.requestsInterrupt)
    }

    @Test("writing THR ends the transmitter's interrupt until it is empty again")
    func transmitterBusy() {
        var registers = makeRegisters(enable: 0x02)
        #expect(registers.write(0, 0x41) == 0x41)
        #expect(!registers.requestsInterrupt)
        #expect(registers.read(5) == 0)
        registers.setTransmitter(ready: true)
        #expect(registers.requestsInterrupt)
        #expect(registers.read(5) == 0x60)
    }

    @Test("setting the transmitter's enable bit again raises nothing")
    func enableAgain() {
        var registers = makeRegisters(enable: 0x02)
        #expect(registers.read(2) == 0x02)
        _ = registers.write(1, 0x03)
        #expect(registers.read(2) == 0x01)
    }

    @Test("interrupts show in the order line status, data, transmitter, modem")
    func priority() {
        var registers = makeRegisters(enable: 0x0F)
        registers.receive(1)
        registers.receive(2)
        _ = registers.write(4, 0x18)
        _ = registers.write(4, 0x0B)
        #expect(registers.read(2) == 0x06)
        #expect(registers.read(5) & 0x03 == 0x03)
        #expect(registers.read(2) == 0x04)
        #expect(registers.read(0) == 2)
        #expect(registers.read(2) == 0x02)
        #expect(registers.read(2) == 0x00)
        #expect(registers.read(6) & 0x0F != 0)
        #expect(registers.read(2) == 0x01)
    }

    @Test(
        "the FIFO's trigger level decides between data and time-out",
        arguments: [(0x01, 1), (0x41, 4), (0x81, 8), (0xC1, 14)] as [(UInt8, Int)])
    func triggerLevels(control: UInt8, level: Int) {
        var registers = makeRegisters(enable: 0x01, fifo: control)
        for count in 1...16 {
            registers.receive(UInt8(count))
            #expect(registers.read(2) == (count >= level ? 0xC4 : 0xCC))
        }
        for count in 1...16 {
            #expect(registers.read(0) == UInt8(count))
            let left = 16 - count
            #expect(registers.read(2) == (left == 0 ? 0xC1 : left >= level ? 0xC4 : 0xCC))
        }
    }

    @Test("a full FIFO keeps its bytes, loses the new one and says so once")
    func overrunWithFIFO() {
        var registers = makeRegisters(enable: 0x04, fifo: 0x01)
        for byte in 0..<17 as Range<UInt8> { registers.receive(byte) }
        #expect(registers.read(2) == 0xC6)
        #expect(registers.read(5) == 0x63)
        #expect(registers.read(5) == 0x61)
        let bytes = (0..<16).map { _ in registers.read(0) }
        #expect(bytes == Array(0..<16))
        #expect(registers.read(5) == 0x60)
    }

    @Test("without a FIFO the new byte replaces the old one")
    func overrunWithoutFIFO() {
        var registers = makeRegisters()
        registers.receive(1)
        #expect(!registers.canReceive)
        registers.receive(2)
        #expect(registers.read(5) == 0x63)
        #expect(registers.read(0) == 2)
        #expect(registers.read(5) == 0x60)
    }

    @Test(
        "the receiver is cleared by its bit and by turning the FIFO on or off",
        arguments: [0x03, 0x00] as [UInt8])
    func clearFIFO(control: UInt8) {
        var registers = makeRegisters(enable: 0x01, fifo: 0x01)
        registers.receive(1)
        _ = registers.write(2, control)
        #expect(registers.read(5) == 0x60)
        #expect(!registers.requestsInterrupt)
    }

    @Test("without OUT2 no interrupt leaves the card")
    func outputGate() {
        var registers = makeRegisters(enable: 0x02)
        #expect(registers.requestsInterrupt)
        _ = registers.write(4, 0x03)
        #expect(!registers.requestsInterrupt)
        #expect(registers.read(2) == 0x02)
    }

    @Test("in loopback a byte comes back, the line is cut and no interrupt leaves")
    func loopback() {
        var registers = makeRegisters(enable: 0x01, fifo: 0x01)
        _ = registers.write(4, 0x1B)
        #expect(!registers.canReceive)
        #expect(registers.write(0, 0x55) == nil)
        #expect(registers.read(5) == 0x61)
        #expect(registers.read(2) == 0xC4)
        #expect(!registers.requestsInterrupt)
        #expect(registers.read(0) == 0x55)
    }

    @Test("loopback maps each modem output to its input and records changes")
    func loopbackModem() {
        var registers = UARTRegisters()
        _ = registers.write(4, 0x10)
        _ = registers.read(6)
        let pairs: [(UInt8, UInt8)] = [(0x02, 0x11), (0x01, 0x22), (0x04, 0x40), (0x08, 0x88)]
        for (output, status) in pairs {
            _ = registers.write(4, 0x10 | output)
            #expect(registers.read(6) == status)
            #expect(registers.read(6) == status & 0xF0)
            _ = registers.write(4, 0x10)
            _ = registers.read(6)
        }
        _ = registers.write(4, 0x14)
        _ = registers.write(4, 0x10)
        #expect(registers.read(6) == 0x04)
    }
}
