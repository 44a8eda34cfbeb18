/// A message-signalled interrupt: one store that a local APIC understands (Intel SDM vol. 3, 11.11).
public struct InterruptMessage: Hashable, Sendable {
    /// Where the store goes: message address register, 0xFEEx_xxxx, which processors (11.11.1).
    public var address: UInt64
    /// What is stored: message data register, vector, delivery mode and trigger mode (11.11.2).
    public var data: UInt32

    /// A message as it stands on the bus.
    public init(address: UInt64, data: UInt32) {
        self.address = address
        self.data = data
    }
}
