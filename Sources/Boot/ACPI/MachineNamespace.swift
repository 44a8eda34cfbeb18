internal import X86

/// The DSDT: the machine's devices as a namespace of objects (ACPI 6.5, 5.3 and 6).
struct MachineNamespace {
    private let configuration: ACPIConfiguration

    init(_ configuration: ACPIConfiguration) {
        self.configuration = configuration
    }

    var table: [UInt8] {
        var devices: [AML] = []
        if configuration.hasProcessorDevices {
            devices += (0..<configuration.processorCount).map(processor)
        }
        if configuration.hasSerialPort {
            devices.append(serialPort)
        }
        if configuration.hasClock {
            devices.append(clock)
        }
        devices += [powerButton, eventDevice]
        devices += configuration.virtioWindows.enumerated().map(virtioDevice)
        let terms = AML([
            // Only the first value matters to a hardware-reduced machine: the sleep type.
            .name(
                "_S5",
                .package([
                    .integer(UInt64(PCPlatform.softOffSleepType)), .integer(0), .integer(0), .integer(0),
                ])),
            .scope("_SB", devices),
        ])
        return ACPITable.bytes(signature: "DSDT", revision: 2, body: terms.bytes)
    }

    private func processor(_ index: Int) -> AML {
        .device(
            AMLName("C" + digits(index, width: 3)),
            [.name("_HID", .string("ACPI0007")), .name("_UID", .integer(UInt64(index)))])
    }

    private var serialPort: AML {
        .device(
            "COM1",
            [
                .name("_HID", .eisaIdentifier("PNP0501")),
                .name("_UID", .integer(0)),
                .currentResources([
                    .ports(PCPlatform.serialPort, count: PCPlatform.serialPortCount),
                    .interrupt(PCPlatform.serialInterrupt),
                ]),
            ])
    }

    private var clock: AML {
        .device(
            "RTC",
            [
                .name("_HID", .eisaIdentifier("PNP0B00")),
                .currentResources([.ports(PCPlatform.clockPort, count: PCPlatform.clockPortCount)]),
            ])
    }

    private var powerButton: AML {
        .device("PWRB", [.name("_HID", .eisaIdentifier("PNP0C0C"))])
    }

    /// The generic event device: its interrupt presses the power button (ACPI 6.5, 5.6.9).
    private var eventDevice: AML {
        let interrupt = configuration.powerButtonInterrupt
        let pressed = AML.equal(.argument0, .integer(UInt64(interrupt)))
        return .device(
            "GED",
            [
                .name("_HID", .string("ACPI0013")),
                .name("_UID", .integer(0)),
                .currentResources([.interrupt(interrupt)]),
                .serializedMethod("_EVT", argumentCount: 1, [.ifTrue(pressed, [.notify("PWRB", 0x80)])]),
            ])
    }

    private func virtioDevice(_ index: Int, _ window: VirtioMMIOWindow) -> AML {
        .device(
            AMLName("VM" + digits(index, width: 2)),
            [
                .name("_HID", .string("LNRO0005")),
                .name("_UID", .integer(UInt64(index))),
                .name("_CCA", .integer(1)),
                .currentResources([
                    .memory(base: window.base, size: window.size), .interrupt(window.interrupt),
                ]),
            ])
    }

    private func digits(_ value: Int, width: Int) -> String {
        let digits = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
