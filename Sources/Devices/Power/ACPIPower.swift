internal import Synchronization

/// The sleep and reset registers of a hardware-reduced ACPI machine (ACPI 6.4, 4.8.3.7 and 4.8.3.6).
///
/// Three ports from 0x600: sleep control, sleep status, reset. Only S5, soft off, exists.
public final class ACPIPower: ByteRegisterDevice {
    /// SLEEP_CONTROL_REG, where the machine's FADT says.
    public static let sleepControlPort: UInt64 = 0x600
    /// SLEEP_STATUS_REG.
    public static let sleepStatusPort: UInt64 = 0x601
    /// RESET_REG.
    public static let resetPort: UInt64 = 0x602
    /// The number of ports it claims.
    public static let size: UInt64 = 3
    /// RESET_VALUE: what to write to the reset register.
    public static let resetValue: UInt8 = 1
    /// SLP_TYP of S5, as the DSDT's `_S5` says.
    public static let softOffType: UInt8 = 5

    /// SLP_EN in the sleep control register.
    private static let sleepEnable: UInt8 = 1 << 5
    /// WAK_STS in the sleep status register: the machine is awake.
    private static let wakeStatus: UInt8 = 1 << 7

    private let ignored = Atomic<UInt64>(0)

    /// It has no state but a counter.
    public init() {}

    /// Requests for sleep states that do not exist. Any thread.
    public var ignoredRequests: UInt64 { ignored.load(ordering: .relaxed) }

    /// Sleep status reads as awake, the others as zero.
    public func readRegister(_ offset: UInt64) -> UInt8 {
        offset == 1 ? Self.wakeStatus : 0
    }

    /// Ends the machine with power-off or reset, if that is what was written.
    public func writeRegister(_ offset: UInt64, _ value: UInt8) -> BusEffect {
        switch offset {
        case 0: return writeSleepControl(value)
        case 2: return value == Self.resetValue ? .end(.reset) : .none
        default: return .none
        }
    }

    private func writeSleepControl(_ value: UInt8) -> BusEffect {
        guard value & Self.sleepEnable != 0 else { return .none }
        if (value &>> 2) & 0x7 == Self.softOffType { return .end(.powerOff) }
        ignored.wrappingAdd(1, ordering: .relaxed)
        return .none
    }
}
