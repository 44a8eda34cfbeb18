internal import Boot
internal import Devices
internal import HostSystem
internal import Specification
internal import X86

/// The devices every machine has, and the buses they sit on.
struct Platform: Sendable {
    let ports: PortBus
    let memoryDevices: MemoryBus
    let interruptController: IOAPIC
    let serial: Serial16550
    let consoleOutput: ConsoleOutputBuffer
    let powerButton: PowerButton
    /// What people can control from outside.
    let devices: [any DeviceControl]

    /// - Parameters:
    ///   - virtioClaims: the windows of virtio devices.
    ///   - outputReady: wakes whoever drains the console.
    ///   - inputWanted: tells whoever feeds the console that there is room again.
    init(
        sink: any MessageSink, virtioClaims: [BusClaim], log: MachineLog,
        outputReady: @escaping @Sendable () -> Void,
        inputWanted: @escaping @Sendable () -> Void
    ) throws(MachineError) {
        let ioapic = IOAPIC(sink: sink)
        guard let serialLine = ioapic.line(pin: Int(PCPlatform.serialInterrupt)),
            let buttonLine = ioapic.line(pin: Int(PCPlatform.powerButtonInterrupt))
        else { throw .wiring("the I/O APIC lacks a pin that a device needs") }
        do {
            consoleOutput = try ConsoleOutputBuffer(wake: outputReady)
        } catch {
            throw .system(error)
        }
        serial = Serial16550(
            output: consoleOutput, interrupt: serialLine, now: { HostClock.monotonicNanoseconds() },
            receiveSpace: inputWanted)
        powerButton = PowerButton(interrupt: buttonLine)
        devices = [SerialStatus(consoleOutput)]
        interruptController = ioapic
        do {
            (ports, memoryDevices) = try Self.buses(
                serial: serial, ioapic: ioapic, virtioClaims: virtioClaims, log: log)
        } catch {
            throw .wiring("\(error)")
        }
    }

    private static func buses(
        serial: Serial16550, ioapic: IOAPIC, virtioClaims: [BusClaim], log: MachineLog
    ) throws(BusError) -> (PortBus, MemoryBus) {
        let unclaimed = log.level >= .debug ? UnclaimedAccessLog { log.debug($0.sentence) } : nil
        let ports = try PortBus(
            [
                BusClaim(
                    "serial port", at: UInt64(PCPlatform.serialPort), size: Serial16550.size, device: serial),
                BusClaim(
                    "CMOS clock", at: UInt64(PCPlatform.clockPort), size: CMOSClock.size,
                    device: CMOSClock(clock: { HostClock.unixSeconds() })),
                BusClaim("POST code sink", at: PostCodeSink.port, size: 1, device: PostCodeSink()),
                BusClaim(
                    "debug exit", at: UInt64(PCPlatform.debugExitPort), size: DebugExit.size,
                    device: DebugExit()),
                BusClaim(
                    "ACPI power", at: UInt64(PCPlatform.sleepControlPort), size: ACPIPower.size,
                    device: ACPIPower()),
            ] + I8042.claims(), log: unclaimed)
        let memory = try MemoryBus(
            [BusClaim("I/O APIC", at: UInt64(PCPlatform.ioAPICAddress), size: IOAPIC.size, device: ioapic)]
                + virtioClaims, log: unclaimed)
        return (ports, memory)
    }
}

extension UnclaimedAccess {
    /// For the log: what the guest did where nothing is.
    var sentence: String {
        let verb = isWrite ? "wrote to" : "read"
        let place = space == .port ? "port" : "address"
        return
            "the guest \(verb) \(place) \(hexadecimal(address)) (\(width.rawValue) bytes), where nothing is"
    }
}

/// The serial port as a status tells of it.
final class SerialStatus: DeviceControl {
    let id = "serial0"
    let kind = "serial"
    private let output: ConsoleOutputBuffer

    init(_ output: ConsoleOutputBuffer) {
        self.output = output
    }

    var statusFields: [StatusField] {
        [
            StatusField("waitingOutputBytes", .number(UInt64(output.count))),
            StatusField("droppedOutputBytes", .number(output.droppedBytes)),
        ]
    }
}
