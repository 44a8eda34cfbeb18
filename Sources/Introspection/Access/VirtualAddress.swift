/// A guest-virtual address: it means something in one address space only.
public struct VirtualAddress: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The address as the guest's instructions have it.
    public var rawValue: UInt64

    /// The address `rawValue`; whether it is mapped is not its business.
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

    /// The address so many bytes up. Wraps as the guest's own arithmetic does: a wild pointer gives a wild
    /// address, and reading there is an error.
    @inlinable
    public static func + (address: Self, distance: Int) -> Self {
        Self(address.rawValue &+ UInt64(bitPattern: Int64(distance)))
    }

    /// The address so many bytes down, wrapping likewise.
    @inlinable
    public static func - (address: Self, distance: Int) -> Self {
        Self(address.rawValue &- UInt64(bitPattern: Int64(distance)))
    }

    /// The null pointer.
    public static let null = VirtualAddress(0)

    /// Whether it is the null pointer.
    @inlinable
    public var isNull: Bool { rawValue == 0 }

    /// Whether it lies in the upper half, the kernel's (Linux, Documentation/arch/x86/x86_64/mm.rst).
    @inlinable
    public var isKernel: Bool { rawValue >> 63 == 1 }

    /// Hexadecimal with 0x.
    public var description: String { "0x" + String(rawValue, radix: 16) }
}
