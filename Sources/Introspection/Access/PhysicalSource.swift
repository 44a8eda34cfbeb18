public import GuestMemory

/// Where a guest's physical memory is read from: a running machine or a dump.
public protocol PhysicalSource: AnyObject {
    /// The memory there is, ascending.
    var regions: [GuestRange] { get }

    /// Copies physically contiguous bytes, all of them in one region.
    func copy(from address: GuestAddress, into bytes: inout MutableRawSpan) throws(ReadError)

    /// Copies whole pages of 4 KiB into consecutive places: as few system calls as can be.
    ///
    /// - Parameter pages: page numbers, each inside a region.
    func copyPages(_ pages: [UInt64], into bytes: inout MutableRawSpan) throws(ReadError)
}

extension PhysicalSource {
    /// Whether the whole range lies in one region.
    func contains(_ address: GuestAddress, size: Int) -> Bool {
        guard size >= 0, let range = GuestRange(start: address, size: UInt64(size)) else { return false }
        return regions.contains { $0.contains(range) }
    }
}
