import GuestMemory
import Synchronization
import Testing
import X86

@testable import Devices

/// Everything on two buses, wired as in a machine.
struct WiredBuses {
    let ports: PortBus
    let memory: MemoryBus
    let serial: Serial16550
    let apic: IOAPIC
    let clock = ManualClock()

    init() throws {
        let clock = clock
        apic = IOAPIC(sink: CountingSink())
        let output = try ConsoleOutputBuffer {}
        let line = try #require(apic.line(pin: Serial16550.defaultInterrupt))
        serial = Serial16550(output: output, interrupt: line, now: { UInt64(bitPattern: clock.now) })
        ports = try PortBus(
            [
                BusClaim("serial", at: Serial16550.defaultPort, size: Serial16550.size, device: serial),
                BusClaim("clock", at: CMOSClock.port, size: CMOSClock.size, device: CMOSClock { clock.now }),
                BusClaim("exit", at: DebugExit.defaultPort, size: DebugExit.size, device: DebugExit()),
                BusClaim("power", at: ACPIPower.sleepControlPort, size: ACPIPower.size, device: ACPIPower()),
                BusClaim("post code", at: PostCodeSink.port, size: 1, device: PostCodeSink()),
            ] + I8042.claims(), log: UnclaimedAccessLog { _ in })
        memory = try MemoryBus(
            [BusClaim("ioapic", at: IOAPIC.defaultAddress, size: IOAPIC.size, device: apic)],
            log: UnclaimedAccessLog { _ in })
    }

    /// A sink that takes nothing down, for long runs.
    final class CountingSink: MessageSink {
        private let count = Atomic<UInt64>(0)
        func send(_ message: InterruptMessage) -> Bool {
            count.wrappingAdd(1, ordering: .relaxed).newValue % 3 != 0
        }
        func routeChanged(pin: Int, to route: IOAPICRoute) {}
    }

    /// One access that a hostile guest might make; mostly near a device.
    func attack(_ generator: inout SeededGenerator) {
        let bases: [UInt16] = [0x60, 0x64, 0x70, 0x80, 0xF4, 0x3F8, 0x600]
        let width = AccessWidth.allCases.randomElement(using: &generator) ?? .byte
        let value = generator.next()
        let base = bases.randomElement(using: &generator) ?? 0
        let isAnywhere = generator.next() % 8 == 0
        let nearby = base &+ UInt16(generator.next() % 9)
        let port = isAnywhere ? UInt16(truncatingIfNeeded: value >> 32) : nearby
        let offsets: [UInt64] = [0, 0, 0x10, 0x10, 0x40, generator.next() % 0x1010]
        let offset = offsets.randomElement(using: &generator) ?? 0
        let address = GuestAddress(generator.next() % 16 == 0 ? value : IOAPIC.defaultAddress &+ offset)
        switch generator.next() % 10 {
        case 0...2: _ = ports.read(port: port, width: width)
        case 3...5: _ = ports.write(port: port, width: width, value: UInt32(truncatingIfNeeded: value))
        case 6: _ = memory.read(address, width: width)
        case 7, 8: _ = memory.write(address, width: width, value: value & 0xFFFF)
        default: external(&generator)
        }
    }

    /// One thing that happens outside of the guest.
    private func external(_ generator: inout SeededGenerator) {
        switch generator.next() % 6 {
        case 0:
            var bytes = [UInt8](repeating: 0, count: Int(generator.next() % 100))
            _ = serial.drainOutput(into: &bytes)
        case 1:
            let bytes = [UInt8](repeating: 7, count: Int(generator.next() % 100))
            _ = serial.receive(bytes.span)
        case 2: apic.setLine(pin: Int(generator.next() % 26), asserted: generator.next() % 2 == 0)
        case 3: apic.endOfInterrupt(vector: UInt8(truncatingIfNeeded: generator.next()))
        case 4: clock.advance(Int64(bitPattern: generator.next()))
        default: _ = serial.reviewOutput()
        }
    }
}

@Suite("Hostile guests")
struct HostileAccessTests {
    @Test("a storm of random accesses to every device traps nowhere", arguments: 1...8 as ClosedRange<UInt64>)
    func storm(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let buses = try WiredBuses()
        for _ in 0..<50_000 { buses.attack(&generator) }
        #expect(buses.ports.unclaimedReads > 0 && buses.memory.unclaimedWrites > 0)
    }

    @Test("storms from four threads at once trap nowhere and block nobody")
    func concurrentStorms() async throws {
        let buses = try WiredBuses()
        await withTaskGroup { group in
            for seed in 1...4 as ClosedRange<UInt64> {
                group.addTask {
                    var generator = SeededGenerator(seed: seed)
                    for _ in 0..<20_000 { buses.attack(&generator) }
                }
            }
        }
        #expect(buses.ports.unclaimedReads > 0)
    }

    @Test("a producer and a drain thread at once pass every byte in order")
    func concurrentConsole() async throws {
        let output = try ConsoleOutputBuffer(capacity: 4096) {}
        let serial = Serial16550(output: output, interrupt: FakeInterruptLine(), now: { 0 })
        let total = 300_000
        async let produced: Void = Task.detached {
            for number in 0..<total {
                while serial.readRegister(5) & 0x20 == 0 { await Task.yield() }
                _ = serial.writeRegister(0, UInt8(truncatingIfNeeded: number))
            }
        }.value
        var expected = 0
        var bytes = [UInt8](repeating: 0, count: 1000)
        while expected < total {
            let count = serial.drainOutput(into: &bytes)
            for byte in bytes[..<count] {
                if byte != UInt8(truncatingIfNeeded: expected) {
                    Issue.record("byte \(expected) is \(byte)")
                    return
                }
                expected += 1
            }
            if count == 0 { await Task.yield() }
        }
        await produced
        #expect(output.droppedBytes == 0)
    }
}
