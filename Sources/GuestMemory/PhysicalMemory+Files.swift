internal import CLinux
internal import Glibc
public import HostSystem

extension PhysicalMemory {
    /// Below this length copying is cheaper than a mapping of its own.
    private static let leastMappedLength: UInt64 = 256 << 10

    /// Makes pages that were mapped from a file the guest's own at once, for ranges it is sure to write to:
    /// in one go that costs less than the faults it saves. A hint; what is not RAM is passed over.
    public func prepareForWriting(_ range: GuestRange) {
        let page = AddressSpaceLayout.pageSize
        let start = (range.start.rawValue + page - 1) & ~(page - 1)
        let end = range.end.rawValue & ~(page - 1)
        // SAFETY: only the distance to the mapping's start is used.
        guard start < end, let host = unsafe try? pointer(to: GuestAddress(start), size: end - start) else {
            return
        }
        // Kernels before 5.14 do not know it and lose nothing but time.
        try? mapping.advise(
            Self.populateForWriting, offset: unsafe host - mapping.start, length: Int(end - start))
    }

    /// C constant: `MADV_POPULATE_WRITE`, since Linux 5.14.
    private static let populateForWriting: Int32 = 23

    /// Lets this process live on when a file that was mapped into the memory is truncated, and a device
    /// reads what is lost: it finds zeros. For one memory a process, the last that asks.
    public func surviveLostPages() throws(SystemError) {
        // SAFETY: the range is this mapping; the handler replaces single pages of it, and no other.
        try checked(
            unsafe clinux_survive_lost_pages(mapping.start, mapping.size), "install a signal handler")
    }

    /// How many pages were lost with truncated files and found to be zeros instead, in this process.
    public static var lostPages: UInt { clinux_lost_pages() }

    /// Puts part of a file into the guest.
    ///
    /// With `sharing`, whole pages are mapped instead of copied: nothing is read before the guest touches
    /// it, and machines that boot the same kernel share what none of them writes. The file must then
    /// not change in place while the machine runs, like a shared library (docs/adr/0004).
    ///
    /// - Throws: if the file cannot be read, also if the range is not all RAM.
    public func load(
        _ file: borrowing RegularFile, at offset: UInt64, into range: GuestRange, sharing: Bool
    ) throws(SystemError) {
        let page = AddressSpaceLayout.pageSize
        let pages = range.size & ~(page - 1)
        let isMappable = range.start.isAligned(to: page) && offset % page == 0
        guard sharing, isMappable, pages >= Self.leastMappedLength, map(file, offset, range.start, pages)
        else {
            return try read(file, at: offset, into: range)
        }
        // The last page's rest belongs to the guest, not to what follows in the file: it is copied.
        guard pages < range.size, let rest = range.start.advanced(by: pages),
            let tail = GuestRange(start: rest, size: range.size - pages)
        else { return }
        try read(file, at: offset + pages, into: tail)
    }

    private func map(
        _ file: borrowing RegularFile, _ offset: UInt64, _ start: GuestAddress, _ length: UInt64
    ) -> Bool {
        // SAFETY: only the distance to the mapping's start is used.
        guard let host = unsafe try? pointer(to: start, size: length) else { return false }
        let place = unsafe host - mapping.start
        guard mapping.overlay(file, at: offset, offset: place, length: Int(length)) else { return false }
        files.add(place..<place + Int(length))
        return true
    }

    /// Reads part of a file straight into the guest.
    private func read(
        _ file: borrowing RegularFile, at offset: UInt64, into range: GuestRange
    ) throws(SystemError) {
        let start: UnsafeMutableRawPointer
        do {
            // SAFETY: checked by `pointer`.
            unsafe start = try pointer(to: range.start, size: range.size)
        } catch {
            throw SystemError("read \(file.path) into guest memory: \(error)", number: EFAULT)
        }
        // SAFETY: the range is checked to be RAM as a whole; the kernel writes it, not this process.
        if let failure = unsafe file.readFully(at: offset, into: start, count: Int(range.size)) {
            throw failure
        }
    }
}
