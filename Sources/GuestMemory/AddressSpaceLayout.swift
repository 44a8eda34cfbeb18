/// Where a guest's RAM lies: one region from address 0, and what does not fit below the 32-bit
/// hole in a second one from 4 GiB.
///
/// ```
///  0 ── low RAM ── ≤ 3 GiB │ hole: virtio-mmio, I/O APIC, local APIC │ 4 GiB ── high RAM ──
/// ```
public struct AddressSpaceLayout: Equatable, Sendable {
    /// Where the 32-bit hole for memory-mapped devices begins, 3 GiB.
    public static let holeStart = GuestAddress(0xC000_0000)
    /// Where RAM goes on above the hole, 4 GiB.
    public static let holeEnd = GuestAddress(0x1_0000_0000)
    /// RAM is given out in pages of this many bytes.
    public static let pageSize: UInt64 = 4096
    /// The least RAM a guest may have, 1 MiB.
    public static let minimumSize: UInt64 = 1 << 20
    /// The most RAM a guest may have, 1 TiB: it must lie below 2^46 on every host.
    public static let maximumSize: UInt64 = 1 << 40

    /// RAM from address 0.
    public let low: GuestRange
    /// RAM from 4 GiB, if there is more than fits below the hole.
    public let high: GuestRange?

    /// Nil if `size` is not a multiple of the page size or is outside the allowed sizes.
    public init?(size: UInt64) {
        guard size >= Self.minimumSize, size <= Self.maximumSize, size % Self.pageSize == 0 else {
            return nil
        }
        let lowSize = min(size, Self.holeStart.rawValue)
        guard let low = GuestRange(start: GuestAddress(0), size: lowSize) else { return nil }
        self.low = low
        high = size > lowSize ? GuestRange(start: Self.holeEnd, size: size - lowSize) : nil
    }

    /// All RAM in bytes.
    public var size: UInt64 { low.size + (high?.size ?? 0) }

    /// The regions in ascending order.
    public var regions: [GuestRange] { [low] + (high.map { [$0] } ?? []) }

    /// Whether the whole range is RAM, in one region.
    public func contains(_ range: GuestRange) -> Bool {
        low.contains(range) || (high?.contains(range) ?? false)
    }
}
