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

/// The claims of a bus as a balanced search tree that never changes.
///
/// A tree of immutable objects, not an array of claims: loading a reference out of an array retains
/// it, loading it out of a `let` of an object that is itself held does not. So the search is compares
/// and calls of no more than the tree's depth, with no reference counting and nothing unsafe.
final class ClaimTree: Sendable {
    private let first: UInt64
    private let last: UInt64
    private let device: any BusDevice
    private let lower: ClaimTree?
    private let upper: ClaimTree?

    private init(_ claim: BusClaim, lower: ClaimTree?, upper: ClaimTree?) {
        first = claim.first
        last = claim.first &+ (claim.size &- 1)
        device = claim.device
        self.lower = lower
        self.upper = upper
    }

    /// The tree of the claims, or nil of none; checks that they lie on the bus and do not overlap.
    static func build(_ claims: [BusClaim], lastAddress: UInt64) throws(BusError) -> ClaimTree? {
        let sorted = claims.sorted { $0.first < $1.first }
        var previous: BusClaim?
        for claim in sorted {
            guard claim.size > 0 else { throw .empty(claim.name) }
            guard claim.first <= lastAddress, claim.size &- 1 <= lastAddress &- claim.first else {
                throw .outside(claim.name, last: lastAddress)
            }
            if let previous, claim.first &- previous.first < previous.size {
                throw .overlap(previous.name, claim.name, at: claim.first)
            }
            previous = claim
        }
        return balanced(sorted[...])
    }

    private static func balanced(_ claims: ArraySlice<BusClaim>) -> ClaimTree? {
        guard !claims.isEmpty else { return nil }
        let middle = claims.startIndex + claims.count / 2
        return ClaimTree(
            claims[middle], lower: balanced(claims[..<middle]), upper: balanced(claims[(middle + 1)...]))
    }

    /// The device's answer, or nil if nobody claims all of the access.
    func read(_ address: UInt64, _ width: AccessWidth) -> UInt64? {
        if address < first { return lower?.read(address, width) }
        if address > last { return upper?.read(address, width) }
        guard last &- address >= width.byteCount &- 1 else { return nil }
        return device.read(offset: address &- first, width: width) & width.mask
    }

    /// The device's effect, or nil if nobody claims all of the access.
    func write(_ address: UInt64, _ width: AccessWidth, _ value: UInt64) -> BusEffect? {
        if address < first { return lower?.write(address, width, value) }
        if address > last { return upper?.write(address, width, value) }
        guard last &- address >= width.byteCount &- 1 else { return nil }
        return device.write(offset: address &- first, width: width, value: value & width.mask)
    }
}
