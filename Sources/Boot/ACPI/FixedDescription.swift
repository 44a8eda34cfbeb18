internal import X86

/// The FADT of a hardware-reduced machine, revision 6.5 (ACPI 6.5, 5.2.9): where to sleep and reset,
/// and which of a PC's devices there are.
struct FixedDescription {
    /// Where the DSDT lies, below 4 GiB.
    let namespaceAddress: UInt64
    let hasClock: Bool

    /// Offsets in the table.
    private enum Offset {
        static let namespace32 = 40
        static let bootArchitecture = 109
        static let flags = 112
        static let resetRegister = 116
        static let resetValue = 128
        static let minorVersion = 131
        static let namespace64 = 140
        static let sleepControl = 244
        static let sleepStatus = 256
        static let hypervisor = 268
    }

    /// IAPC_BOOT_ARCH (ACPI 6.5, table 5.11). That bits 0, 1 and 3 are not set means: no legacy
    /// devices that cannot be found otherwise, no keyboard controller, and message-signalled
    /// interrupts work.
    private struct BootArchitecture: OptionSet {
        let rawValue: UInt16
        static let noVideo = BootArchitecture(rawValue: 1 << 2)
        static let noLinkPowerManagement = BootArchitecture(rawValue: 1 << 4)
        static let noClock = BootArchitecture(rawValue: 1 << 5)
    }

    /// The fixed feature flags (ACPI 6.5, table 5.10).
    private struct Flags: OptionSet {
        let rawValue: UInt32
        static let cachesWriteBack = Flags(rawValue: 1 << 0)
        static let powerButtonIsDevice = Flags(rawValue: 1 << 4)
        static let noFixedSleepButton = Flags(rawValue: 1 << 5)
        static let noFixedClockWake = Flags(rawValue: 1 << 6)
        static let resetRegister = Flags(rawValue: 1 << 10)
        static let hardwareReduced = Flags(rawValue: 1 << 20)
    }

    var table: [UInt8] {
        let header = ACPITable.headerSize
        var body = [UInt8](repeating: 0, count: 276 - header)
        body.store(UInt32(truncatingIfNeeded: namespaceAddress), at: Offset.namespace32 - header)
        var architecture: BootArchitecture = [.noVideo, .noLinkPowerManagement]
        if !hasClock {
            architecture.insert(.noClock)
        }
        body.store(architecture.rawValue, at: Offset.bootArchitecture - header)
        let flags: Flags = [
            .cachesWriteBack, .powerButtonIsDevice, .noFixedSleepButton, .noFixedClockWake, .resetRegister,
            .hardwareReduced,
        ]
        body.store(flags.rawValue, at: Offset.flags - header)
        func setPort(_ port: UInt16, at offset: Int) {
            // A generic address: system I/O space, eight bits from bit 0, accessed as a byte.
            let address: [UInt8] = [1, 8, 0, 1]
            body.replaceSubrange(offset - header..<offset - header + 4, with: address)
            body.store(UInt64(port), at: offset - header + 4)
        }
        setPort(PCPlatform.resetPort, at: Offset.resetRegister)
        body[Offset.resetValue - header] = PCPlatform.resetCommand
        body[Offset.minorVersion - header] = 5
        body.store(namespaceAddress, at: Offset.namespace64 - header)
        setPort(PCPlatform.sleepControlPort, at: Offset.sleepControl)
        setPort(PCPlatform.sleepStatusPort, at: Offset.sleepStatus)
        var name: [UInt8] = []
        name.append(text: "ROOST", paddedTo: 8)
        body.replaceSubrange(Offset.hypervisor - header..<Offset.hypervisor - header + 8, with: name)
        return ACPITable.bytes(signature: "FACP", revision: 6, body: body)
    }
}
