internal import GuestMemory

extension Kernel {
    /// Copies the pages of several structures together, in as few system calls as can be, before they are
    /// read one by one.
    ///
    /// - Parameters:
    ///   - structures: where they lie. Addresses that lead nowhere are passed over: reading them will say so.
    ///   - part: the bytes of each that will be read, from its beginning; the ends' pages and those between.
    /// - Returns: the pages, so that the next look may ask for all it will need at once.
    @discardableResult
    public func prefetch(
        _ structures: [VirtualAddress], part: Range<Int>
    ) throws(ReadError) -> [UInt64] {
        var pages: [UInt64] = []
        pages.reserveCapacity(structures.count * 2)
        let last = max(part.upperBound - 1, part.lowerBound)
        // A structure that spans more has none of its own in view: only the first pages are worth it.
        let most = min(last - part.lowerBound, 16 * GuestImage.pageSize)
        for structure in structures where structure.isKernel {
            let start = structure + part.lowerBound
            var page = VirtualAddress(start.rawValue & ~0xFFF)
            let end = start + most
            while page <= end, page.isKernel {
                if let place = try? physical(of: page) { pages.append(place.rawValue >> 12) }
                page = page + GuestImage.pageSize
            }
        }
        try image.prefetch(pages: pages)
        return pages
    }
}
