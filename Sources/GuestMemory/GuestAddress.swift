/// A guest-physical address.
public struct GuestAddress: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The address as the guest's bus has it.
    public var rawValue: UInt64

    /// The address `rawValue`; whether there is memory is not its business.
    @inlinable
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Short form of `init(rawValue:)`.
    @inlinable
    public init(_ rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// By the number.
    @inlinable
    public static func < (left: Self, right: Self) -> Bool {
        left.rawValue < right.rawValue
    }

    /// The address `distance` bytes up, or nil past the end of the 64-bit space.
    @inlinable
    public func advanced(by distance: UInt64) -> GuestAddress? {
        let (sum, overflow) = rawValue.addingReportingOverflow(distance)
        return overflow ? nil : GuestAddress(sum)
    }

    /// Whether the address is a multiple of `alignment`, which must be a power of two.
    @inlinable
    public func isAligned(to alignment: UInt64) -> Bool {
        rawValue & (alignment &- 1) == 0
    }

    /// Hexadecimal with 0x.
    public var description: String { "0x" + String(rawValue, radix: 16) }
}

/// A run of guest-physical addresses that does not wrap.
public struct GuestRange: Hashable, Sendable, CustomStringConvertible {
    /// The first address.
    public let start: GuestAddress
    /// The length in bytes.
    public let size: UInt64

    /// Nil if the range would pass the end of the 64-bit space.
    @inlinable
    public init?(start: GuestAddress, size: UInt64) {
        guard start.advanced(by: size) != nil else { return nil }
        self.start = start
        self.size = size
    }

    /// The first address past the range.
    @inlinable
    public var end: GuestAddress { GuestAddress(start.rawValue &+ size) }

    /// Whether the address lies in the range.
    @inlinable
    public func contains(_ address: GuestAddress) -> Bool {
        address >= start && address < end
    }

    /// Whether the other range lies wholly in this one.
    @inlinable
    public func contains(_ other: GuestRange) -> Bool {
        other.start >= start && other.end <= end
    }

    /// Whether the two share an address.
    @inlinable
    public func overlaps(_ other: GuestRange) -> Bool {
        start < other.end && other.start < end
    }

    /// Both ends, the second excluded.
    public var description: String { "\(start)..<\(end)" }
}
