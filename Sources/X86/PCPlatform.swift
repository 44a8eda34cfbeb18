/// The numbers of the machine a guest sees, agreed between the devices that answer them and the
/// boot data that announces them.
///
/// What is not here does not exist: no PCI, no PIC, no keyboard controller but for its reset line.
public enum PCPlatform {
    /// The first serial port's eight registers begin here.
    public static let serialPort: UInt16 = 0x3F8
    /// How many ports the serial port takes.
    public static let serialPortCount: UInt8 = 8
    /// The first serial port's global system interrupt; edge, active high.
    public static let serialInterrupt: UInt32 = 4

    /// The real-time clock's index port; its data port is the next one.
    public static let clockPort: UInt16 = 0x70
    /// How many ports the real-time clock takes.
    public static let clockPortCount: UInt8 = 2

    /// The i8042's command port. Only its reset command, 0xFE, is understood.
    public static let keyboardCommandPort: UInt16 = 0x64
    /// The port by which test guests end the machine with a status.
    public static let debugExitPort: UInt16 = 0xF4

    /// ACPI's sleep control register, one byte (ACPI 6.5, 4.8.3.7): bits 2 to 4 the sleep type,
    /// bit 5 enters it.
    public static let sleepControlPort: UInt16 = 0x600
    /// ACPI's sleep status register, one byte (ACPI 6.5, 4.8.3.7): bit 7 says that it woke.
    public static let sleepStatusPort: UInt16 = 0x601
    /// The sleep type of power-off (S5).
    public static let softOffSleepType: UInt8 = 5
    /// What a guest writes to the sleep control register for power-off: enable, and the type.
    public static let softOffCommand: UInt8 = 1 << 5 | softOffSleepType << 2
    /// ACPI's reset register, one byte (ACPI 6.5, 4.8.3.6).
    public static let resetPort: UInt16 = 0x602
    /// What a guest writes to the reset register.
    public static let resetCommand: UInt8 = 1

    /// The generic event device's global system interrupt: an edge on it presses the power button.
    public static let powerButtonInterrupt: UInt32 = 9

    /// Where the I/O APIC's registers lie.
    public static let ioAPICAddress: UInt32 = 0xFEC0_0000
    /// The I/O APIC's identifier.
    public static let ioAPICIdentifier: UInt8 = 0
    /// How many interrupt inputs the I/O APIC has; they are the global system interrupts from 0.
    public static let ioAPICPinCount: UInt32 = 24
    /// Where each processor finds its local APIC.
    public static let localAPICAddress: UInt32 = 0xFEE0_0000

    /// How far a virtio-mmio window lies from the next: one page.
    public static let virtioWindowSize: UInt32 = 0x1000
    /// Where the first virtio-mmio window lies, in the 32-bit hole.
    public static let virtioWindowBase: UInt32 = 0xD000_0000
    /// The first virtio-mmio window's global system interrupt; the others follow.
    public static let firstVirtioInterrupt: UInt32 = 10
}
