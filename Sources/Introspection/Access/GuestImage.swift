public import GuestMemory

/// A guest's physical memory as one refresh sees it: each page is fetched once and read from the copy.
///
/// Whatever a guest's memory holds, reading ends: after `budget` reads everything throws `tooMuch`.
/// Not for several threads at once.
public final class GuestImage {
    /// What is read.
    public let source: any PhysicalSource
    /// The memory there is, ascending.
    public let regions: [GuestRange]
    /// How many reads a refresh may take: some hundred times what a big guest needs.
    public let budget: Int
    /// How many reads are left in this refresh.
    private var remaining: Int

    static let pageSize = 4096
    /// Open addressing: page number + 1 at `keys[i]` lies in the arena's page `slots[i]`. A power of two.
    private var keys: [UInt64]
    private var slots: [Int32]
    private var pageCount = 0
    private var arena: [UInt8] = []
    /// The page that was read last: most reads are near the one before.
    private var lastPage: UInt64 = .max
    private var lastOffset = 0

    /// - Parameter budget: how many reads a refresh may take.
    public init(_ source: any PhysicalSource, budget: Int = 200_000_000) {
        self.source = source
        self.budget = budget
        remaining = budget
        regions = source.regions
        keys = [UInt64](repeating: 0, count: 1024)
        slots = [Int32](repeating: 0, count: 1024)
    }

    /// Forgets every copied page: the next reads see the guest as it is then. The reading budget is new.
    public func refresh() {
        remaining = budget
        guard pageCount > 0 else { return }
        for index in keys.indices { keys[index] = 0 }
        pageCount = 0
        lastPage = .max
        arena.removeAll(keepingCapacity: true)
    }

    /// Forgets every copied page, and copies the same pages anew all at once: they are nearly of one moment, which
    /// pages that are copied one after the other are not. What was no memory then is passed over.
    public func refreshTogether() throws(ReadError) {
        var pages: [UInt64] = []
        pages.reserveCapacity(pageCount)
        for key in keys where key != 0 { pages.append(key - 1) }
        refresh()
        try prefetch(pages: pages)
    }

    /// How many pages this refresh has copied.
    public var copiedPages: Int { pageCount }

    /// Whether all of the range is memory.
    public func contains(_ address: GuestAddress, size: Int) -> Bool {
        source.contains(address, size: size)
    }

    /// Loads an integer of the guest's byte order (little-endian), aligned or not.
    public func load<Value: FixedWidthInteger & BitwiseCopyable>(
        _ type: Value.Type, at address: GuestAddress
    ) throws(ReadError) -> Value {
        let inPage = Int(address.rawValue & 0xFFF)
        if inPage + MemoryLayout<Value>.size <= Self.pageSize {
            let place = try offset(ofPage: address.rawValue >> 12) + inPage
            // SAFETY: `place` is in a page of the arena, and the value ends in the same page.
            return unsafe arena.withUnsafeBytes { bytes in
                // SAFETY: as above; every bit pattern is an integer.
                unsafe Value(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Value.self))
            }
        }
        guard contains(address, size: MemoryLayout<Value>.size) else { throw .notMemory(address) }
        return try Value { index throws(ReadError) in
            try load(UInt8.self, at: GuestAddress(address.rawValue + UInt64(index)))
        }
    }

    /// A copy of physically contiguous bytes, through the copied pages.
    public func bytes(at address: GuestAddress, count: Int) throws(ReadError) -> [UInt8] {
        var result: [UInt8] = []
        try append(to: &result, from: address, count: count)
        return result
    }

    /// Appends physically contiguous bytes, through the copied pages.
    func append(to result: inout [UInt8], from address: GuestAddress, count: Int) throws(ReadError) {
        guard contains(address, size: count) else { throw .notMemory(address) }
        var position = address.rawValue
        var left = count
        result.reserveCapacity(result.count + count)
        while left > 0 {
            let inPage = Int(position & 0xFFF)
            let part = min(left, Self.pageSize - inPage)
            let place = try offset(ofPage: position >> 12) + inPage
            result.append(contentsOf: arena[place..<place + part])
            position += UInt64(part)
            left -= part
        }
    }

    /// A copy of physically contiguous bytes straight from the source: for tables of megabytes, which are
    /// read once.
    public func bulk(at address: GuestAddress, count: Int) throws(ReadError) -> [UInt8] {
        guard contains(address, size: count) else { throw .notMemory(address) }
        var failure: ReadError?
        let result = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            // SAFETY: the source only writes to the span, and what a failed copy leaves is never shown. Zeroing
            // tens of megabytes first would take as long as the copy.
            var span = unsafe MutableRawSpan(_unsafeBytes: UnsafeMutableRawBufferPointer(buffer))
            do throws(ReadError) {
                try source.copy(from: address, into: &span)
                filled = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return result
    }

    /// Copies pages that will be needed, together. Pages that are no memory are passed over: reading them
    /// will say so.
    public func prefetch(pages: [UInt64]) throws(ReadError) {
        var wanted: [UInt64] = []
        for page in pages where page < 1 << 40 && find(page) == nil {
            if contains(GuestAddress(page << 12), size: Self.pageSize) { wanted.append(page) }
        }
        wanted.sort()
        var unique: [UInt64] = []
        for page in wanted where page != unique.last { unique.append(page) }
        guard !unique.isEmpty else { return }
        let start = arena.count
        arena.append(contentsOf: repeatElement(0, count: unique.count * Self.pageSize))
        do throws(ReadError) {
            // SAFETY: UInt8 accepts every bit pattern.
            var span = arena.mutableSpan
            var raw = unsafe span.mutableBytes
            var part = raw._mutatingExtracting(start..<start + unique.count * Self.pageSize)
            try source.copyPages(unique, into: &part)
        } catch {
            arena.removeLast(unique.count * Self.pageSize)
            throw error
        }
        for (index, page) in unique.enumerated() { insert(page, slot: start / Self.pageSize + index) }
    }

    // MARK: The copied pages

    /// Where the copy of a page begins in the arena.
    @inline(__always)
    private func offset(ofPage page: UInt64) throws(ReadError) -> Int {
        remaining -= 1
        guard remaining > 0 else { throw .tooMuch }
        if page == lastPage { return lastOffset }
        let offset: Int
        if let slot = find(page) { offset = slot * Self.pageSize } else { offset = try fetch(page) }
        lastPage = page
        lastOffset = offset
        return offset
    }

    private func fetch(_ page: UInt64) throws(ReadError) -> Int {
        let address = GuestAddress(page << 12)
        guard page < 1 << 40, contains(address, size: Self.pageSize) else { throw .notMemory(address) }
        try prefetch(pages: [page])
        guard let slot = find(page) else { throw .notMemory(address) }
        return slot * Self.pageSize
    }

    @inline(__always)
    private static func hash(_ page: UInt64) -> Int {
        Int(truncatingIfNeeded: (page &* 0x9E37_79B9_7F4A_7C15) >> 32)
    }

    @inline(__always)
    private func find(_ page: UInt64) -> Int? {
        let mask = keys.count - 1
        var index = Self.hash(page) & mask
        while keys[index] != 0 {
            if keys[index] == page + 1 { return Int(slots[index]) }
            index = (index + 1) & mask
        }
        return nil
    }

    private func insert(_ page: UInt64, slot: Int) {
        if (pageCount + 1) * 2 > keys.count { grow() }
        let mask = keys.count - 1
        var index = Self.hash(page) & mask
        while keys[index] != 0 { index = (index + 1) & mask }
        keys[index] = page + 1
        slots[index] = Int32(truncatingIfNeeded: slot)
        pageCount += 1
    }

    private func grow() {
        let oldKeys = keys
        let oldSlots = slots
        keys = [UInt64](repeating: 0, count: oldKeys.count * 2)
        slots = [Int32](repeating: 0, count: oldKeys.count * 2)
        pageCount = 0
        for (key, slot) in zip(oldKeys, oldSlots) where key != 0 { insert(key - 1, slot: Int(slot)) }
    }
}
