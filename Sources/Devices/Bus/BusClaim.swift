/// A device's wish for a range of a bus.
public struct BusClaim: Sendable {
    /// The device's name, for errors and logs.
    public let name: String
    /// The first port or address.
    public let first: UInt64
    /// How many ports or addresses.
    public let size: UInt64
    /// Who answers there.
    public let device: any BusDevice

    /// A claim of `size` ports or addresses from `first`. The bus checks it.
    public init(_ name: String, at first: UInt64, size: UInt64, device: any BusDevice) {
        self.name = name
        self.first = first
        self.size = size
        self.device = device
    }
}

/// Why a bus cannot be built from its claims: a mistake in the wiring of a machine.
public enum BusError: Error, Equatable, CustomStringConvertible {
    /// Two devices claim the same port or address.
    case overlap(String, String, at: UInt64)
    /// A claim of no port at all.
    case empty(String)
    /// The claim goes past the bus's last port or address.
    case outside(String, last: UInt64)

    /// A sentence that names the devices.
    public var description: String {
        switch self {
        case .overlap(let first, let second, let address):
            "devices '\(first)' and '\(second)' both claim 0x\(String(address, radix: 16))"
        case .empty(let name):
            "device '\(name)' claims an empty range"
        case .outside(let name, let last):
            "device '\(name)' claims a range past the end of the bus, 0x\(String(last, radix: 16))"
        }
    }
}
