/// The keyboard controller's ports 0x60 and 0x64, for its reset line alone: there is no keyboard.
///
/// A driver that looks for a keyboard must give up at once. Linux first empties the output buffer: it
/// reads data while the status says there is some, and after sixteen bytes calls the controller
/// absent. Status zero would be worse: an answer is waited for half a second. The input buffer is
/// always empty, so that the reset command can be given.
public final class I8042: ByteRegisterDevice {
    /// Its data port.
    public static let dataPort: UInt64 = 0x60
    /// Its status and command port.
    public static let commandPort: UInt64 = 0x64

    /// Output buffer full; input buffer empty.
    private static let status: UInt8 = 0x01
    /// Pulse output line 0, which is the processor's reset.
    private static let pulseReset: UInt8 = 0xFE

    private let isCommandPort: Bool

    private init(isCommandPort: Bool) {
        self.isCommandPort = isCommandPort
    }

    /// The claims of both ports; what lies between them is other devices'.
    public static func claims() -> [BusClaim] {
        [
            BusClaim("i8042 data", at: dataPort, size: 1, device: I8042(isCommandPort: false)),
            BusClaim("i8042 command", at: commandPort, size: 1, device: I8042(isCommandPort: true)),
        ]
    }

    /// Data is always zero.
    public func readRegister(_ offset: UInt64) -> UInt8 {
        isCommandPort ? Self.status : 0
    }

    /// Command 0xFE ends the machine with a reset; all else is ignored.
    public func writeRegister(_ offset: UInt64, _ value: UInt8) -> BusEffect {
        isCommandPort && value == Self.pulseReset ? .end(.reset) : .none
    }
}
