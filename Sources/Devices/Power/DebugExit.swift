/// A port that ends the machine with a status: how guests written for Roost report their result.
public final class DebugExit: BusDevice {
    /// Its usual port, as in QEMU's isa-debug-exit.
    public static let defaultPort: UInt64 = 0xF4
    /// The number of ports it claims: one access of up to four bytes.
    public static let size: UInt64 = 4

    /// It has no state.
    public init() {}

    /// All ones.
    public func read(offset: UInt64, width: AccessWidth) -> UInt64 { .max }

    /// The low byte is the status. An offset other than zero is no exit.
    public func write(offset: UInt64, width: AccessWidth, value: UInt64) -> BusEffect {
        offset == 0 ? .end(.guestExit(UInt8(truncatingIfNeeded: value))) : .none
    }
}
