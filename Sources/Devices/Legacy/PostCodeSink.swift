internal import Synchronization

/// Port 0x80: firmware writes its progress there, kernels write to it to lose a microsecond.
public final class PostCodeSink: ByteRegisterDevice {
    /// Its port.
    public static let port: UInt64 = 0x80

    private let code = Atomic<UInt8>(0)

    /// No code yet: zero.
    public init() {}

    /// The last byte written. Any thread.
    public var lastCode: UInt8 { code.load(ordering: .relaxed) }

    /// The last byte written.
    public func readRegister(_ offset: UInt64) -> UInt8 { lastCode }

    /// Remembers the byte.
    public func writeRegister(_ offset: UInt64, _ value: UInt8) -> BusEffect {
        code.store(value, ordering: .relaxed)
        return .none
    }
}
