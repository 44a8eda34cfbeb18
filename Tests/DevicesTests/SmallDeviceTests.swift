import Testing

@testable import Devices

@Suite("Small devices")
struct SmallDeviceTests {
    @Test("the keyboard controller resets on 0xFE only, at its command port only")
    func keyboardController() throws {
        let bus = try PortBus(I8042.claims())
        for value in 0...255 as ClosedRange<UInt32> {
            let expected: BusEffect = value == 0xFE ? .end(.reset) : .none
            #expect(bus.write(port: 0x64, width: .byte, value: value) == expected)
            #expect(bus.write(port: 0x60, width: .byte, value: value) == .none)
        }
    }

    @Test("the keyboard controller never empties its output buffer, and always takes a command")
    func keyboardProbe() throws {
        let bus = try PortBus(I8042.claims())
        for _ in 0..<20 {
            #expect(bus.read(port: 0x64, width: .byte) & 0x03 == 0x01)
            #expect(bus.read(port: 0x60, width: .byte) == 0)
        }
    }

    @Test(
        "debug exit ends with the low byte at every port width",
        arguments: [AccessWidth.byte, .word, .doubleWord])
    func debugExit(width: AccessWidth) throws {
        let bus = try PortBus([BusClaim("exit", at: 0xF4, size: DebugExit.size, device: DebugExit())])
        #expect(bus.write(port: 0xF4, width: width, value: 0x1234_5642) == .end(.guestExit(0x42)))
        #expect(bus.write(port: 0xF5, width: .byte, value: 1) == .none)
        #expect(bus.read(port: 0xF4, width: width) == UInt32(width.mask))
    }

    @Test("of all sleep types only an enabled S5 powers off")
    func sleepControl() {
        let power = ACPIPower()
        for value in 0...255 as ClosedRange<UInt8> {
            let isSoftOff = value & 0x20 != 0 && (value >> 2) & 7 == 5
            #expect(power.writeRegister(0, value) == (isSoftOff ? .end(.powerOff) : .none))
        }
        #expect(power.ignoredRequests == 128 - 16)
        #expect(power.readRegister(0) == 0 && power.readRegister(1) == 0x80 && power.readRegister(2) == 0)
    }

    @Test("the reset register takes one value")
    func resetRegister() {
        let power = ACPIPower()
        for value in 0...255 as ClosedRange<UInt8> {
            #expect(power.writeRegister(2, value) == (value == 1 ? .end(.reset) : .none))
        }
    }

    @Test("the power button is one edge a press")
    func powerButton() {
        let line = FakeInterruptLine()
        let button = PowerButton(interrupt: line)
        button.press()
        button.press()
        #expect(line.rises == 2 && !line.isAsserted)
    }

    @Test("the last progress code is remembered")
    func postCode() {
        let sink = PostCodeSink()
        _ = sink.writeRegister(0, 0x12)
        _ = sink.writeRegister(0, 0x34)
        #expect(sink.lastCode == 0x34 && sink.readRegister(0) == 0x34)
    }
}
