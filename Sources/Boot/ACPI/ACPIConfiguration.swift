public import X86

/// Where a virtio-mmio device is found.
public struct VirtioMMIOWindow: Equatable, Sendable {
    /// The first address of its registers, below 4 GiB.
    public var base: UInt32
    /// How many bytes of registers, with the device's configuration space.
    public var size: UInt32
    /// Its global system interrupt, edge, active high.
    public var interrupt: UInt32

    /// A window anywhere in the 32-bit hole.
    public init(base: UInt32, size: UInt32 = PCPlatform.virtioWindowSize, interrupt: UInt32) {
        self.base = base
        self.size = size
        self.interrupt = interrupt
    }
}

/// What ACPI tables describe.
public struct ACPIConfiguration: Equatable, Sendable {
    /// How many processors there are. Their APIC identifiers count from 0.
    public var processorCount: Int
    /// The virtio-mmio devices.
    public var virtioWindows: [VirtioMMIOWindow]
    /// Whether there is the serial port of `PCPlatform`.
    public var hasSerialPort: Bool
    /// Whether there is the real-time clock of `PCPlatform`.
    public var hasClock: Bool
    /// Whether every processor is also a device in the namespace. Linux needs none to use processors,
    /// and takes time for each.
    public var hasProcessorDevices: Bool
    /// The global system interrupt by which the power button is pressed.
    public var powerButtonInterrupt: UInt32

    /// A machine with a serial port and a clock; all but the processor count may be left out.
    public init(
        processorCount: Int, virtioWindows: [VirtioMMIOWindow] = [], hasSerialPort: Bool = true,
        hasClock: Bool = true, hasProcessorDevices: Bool = false,
        powerButtonInterrupt: UInt32 = PCPlatform.powerButtonInterrupt
    ) {
        self.processorCount = processorCount
        self.virtioWindows = virtioWindows
        self.hasSerialPort = hasSerialPort
        self.hasClock = hasClock
        self.hasProcessorDevices = hasProcessorDevices
        self.powerButtonInterrupt = powerButtonInterrupt
    }

    /// The most processors the namespace has names for: a letter and three hexadecimal digits.
    public static let processorLimit = 4096
    /// The most virtio-mmio windows the namespace has names for: two letters, two hexadecimal digits.
    public static let virtioWindowLimit = 256

    func validate() throws(BootError) {
        guard (1...Self.processorLimit).contains(processorCount) else {
            throw .processorCount(processorCount, limit: Self.processorLimit)
        }
        guard virtioWindows.count <= Self.virtioWindowLimit else {
            throw .tooManyVirtioWindows(virtioWindows.count, limit: Self.virtioWindowLimit)
        }
        for interrupt in [powerButtonInterrupt] + virtioWindows.map(\.interrupt)
        where interrupt >= PCPlatform.ioAPICPinCount {
            throw .noSuchInterrupt(interrupt, limit: PCPlatform.ioAPICPinCount)
        }
        for window in virtioWindows
        where window.size == 0 || window.size - 1 > UInt32.max - window.base {
            throw .badVirtioWindow(base: window.base, size: window.size)
        }
    }
}
