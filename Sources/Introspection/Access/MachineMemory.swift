internal import Glibc
public import GuestMemory
public import HostSystem

/// The memory of a running machine, read out of its process: the machine does not notice.
public final class MachineMemory: PhysicalSource {
    /// The memory there is, ascending.
    public let regions: [GuestRange]
    private let process: OtherProcess
    /// Where in the process the RAM is mapped: all regions one after the other.
    private let start: UInt64
    private let layout: AddressSpaceLayout

    /// - Parameters:
    ///   - process: the machine's.
    ///   - address: where in it the RAM is mapped (`memory.address` of its stats page).
    ///   - layout: how much RAM there is.
    public init(of process: consuming OtherProcess, at address: UInt64, layout: AddressSpaceLayout) {
        self.process = process
        start = address
        self.layout = layout
        regions = layout.regions
    }

    /// Copies physically contiguous bytes; see `PhysicalSource`.
    public func copy(from address: GuestAddress, into bytes: inout MutableRawSpan) throws(ReadError) {
        let range = try place(of: address, count: bytes.byteCount)
        try read([range], into: &bytes)
    }

    /// Copies whole pages; see `PhysicalSource`.
    public func copyPages(_ pages: [UInt64], into bytes: inout MutableRawSpan) throws(ReadError) {
        var ranges: [OtherProcess.MemoryRange] = []
        ranges.reserveCapacity(pages.count)
        for page in pages {
            ranges.append(try place(of: GuestAddress(page << 12), count: GuestImage.pageSize))
        }
        try read(ranges, into: &bytes)
    }

    private func place(
        of address: GuestAddress, count: Int
    ) throws(ReadError) -> OtherProcess.MemoryRange {
        guard let range = GuestRange(start: address, size: UInt64(count)) else { throw .notMemory(address) }
        if layout.low.contains(range) {
            return OtherProcess.MemoryRange(start: start + address.rawValue, count: count)
        }
        guard let high = layout.high, high.contains(range) else { throw .notMemory(address) }
        return OtherProcess.MemoryRange(
            start: start + layout.low.size + (address.rawValue - high.start.rawValue), count: count)
    }

    private func read(
        _ ranges: [OtherProcess.MemoryRange], into bytes: inout MutableRawSpan
    ) throws(ReadError) {
        do throws(SystemError) {
            try process.readMemory(ranges, into: &bytes)
        } catch {
            switch error.number {
            case ESRCH: throw .ended
            case EPERM:
                throw .source(
                    "the memory of process \(process.identifier) may not be read; be its user or root")
            default: throw .source("\(error)")
            }
        }
    }
}
