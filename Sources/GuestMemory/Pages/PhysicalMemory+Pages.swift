internal import HostSystem

extension PhysicalMemory {
    /// How many pages of RAM there are. Their numbers go on across the hole: RAM is one range in this
    /// process.
    public var pageCount: Int { mapping.size / Self.pageSize }

    static let pageSize = Int(AddressSpaceLayout.pageSize)
    static let pageShift = UInt64(AddressSpaceLayout.pageSize.trailingZeroBitCount)

    /// The number of the page at a guest's page frame number, the address divided by 4096.
    ///
    /// - Returns: nil if that is not RAM.
    @inlinable
    public func page(frame: UInt64) -> Int? {
        // The sizes are multiples of 4096, and of pages as this process counts them.
        let lowFrames = lowSize &>> 12
        if frame < lowFrames { return Int(truncatingIfNeeded: frame) }
        let offset = frame &- AddressSpaceLayout.holeEnd.rawValue &>> 12
        guard frame >= AddressSpaceLayout.holeEnd.rawValue &>> 12, offset < highSize &>> 12 else {
            return nil
        }
        return Int(truncatingIfNeeded: lowFrames &+ offset)
    }

    /// The pages that lie wholly in a range of guest addresses, which is RAM as a whole.
    public func wholePages(of range: GuestRange) throws(GuestMemoryError) -> Range<Int> {
        // SAFETY: only the distance to the mapping's start is used.
        let offset = unsafe try pointer(to: range.start, size: range.size) - mapping.start
        return Self.wholePages(from: offset, count: Int(range.size))
    }

    /// The pages that lie wholly in a range of this process, as a `DescriptorChain` has them.
    ///
    /// - Precondition: the range is RAM of this memory.
    public func wholePages(from start: UnsafeRawPointer, count: Int) -> Range<Int> {
        // SAFETY: only the distance to the mapping's start is used.
        let offset = unsafe start - UnsafeRawPointer(mapping.start)
        precondition(offset >= 0 && count >= 0 && offset <= mapping.size - count)
        return Self.wholePages(from: offset, count: count)
    }

    private static func wholePages(from offset: Int, count: Int) -> Range<Int> {
        let first = (offset + pageSize - 1) / pageSize
        return first..<max(first, (offset + count) / pageSize)
    }
}
