internal import CLinux
internal import Glibc
internal import HostSystem
internal import Synchronization

/// What giving pages back to the host came to.
public struct DiscardOutcome: Equatable, Sendable {
    /// Pages the kernel took.
    public var pages = 0
    /// System calls it cost.
    public var calls = 0
    /// Pages the kernel did not take: they are as they were.
    public var refusedPages = 0

    /// Nothing done.
    public init() {}
}

extension PhysicalMemory {
    /// Gives the pages of a range back to the host: they take no memory until the guest touches them, and
    /// read as zero then, also those that came from a file.
    ///
    /// - Parameter range: RAM as a whole; pages that are only partly in it stay.
    @discardableResult
    public func discard(_ range: GuestRange) throws(GuestMemoryError) -> DiscardOutcome {
        var outcome = DiscardOutcome()
        discardRun(try wholePages(of: range), &outcome)
        return outcome
    }

    /// The same for a set of pages, which is empty afterwards; `pages` has the capacity `pageCount`.
    ///
    /// Neighbours go together, whatever order they came in, and many runs in one system call where the
    /// kernel knows how (6.14).
    public func discard(_ pages: inout PageSet) -> DiscardOutcome {
        precondition(pages.capacity == pageCount)
        var outcome = DiscardOutcome()
        var batch = RangeBatch()
        pages.drainRuns { run in
            let bytes = run.lowerBound * Self.pageSize..<run.upperBound * Self.pageSize
            guard canDiscardMany, !files.overlap(bytes) else { return discardRun(run, &outcome) }
            // SAFETY: the set's pages are this mapping's.
            unsafe batch.append(mapping.start + bytes.lowerBound, bytes.count)
            if batch.isFull { discard(&batch, &outcome) }
        }
        discard(&batch, &outcome)
        return outcome
    }

    /// Whether `clinux_discard_ranges` works here, as far as we know.
    private var canDiscardMany: Bool { Self.lacksRanges.load(ordering: .relaxed) == false }
    private static let lacksRanges = Atomic<Bool>(false)

    private func discard(_ batch: inout RangeBatch, _ outcome: inout DiscardOutcome) {
        let wanted = batch.bytes
        guard wanted > 0 else { return }
        var done = 0
        if batch.count > 1 {
            done = batch.discard()
            outcome.calls += 1
            if [-EBADF, -EINVAL, -ENOSYS, -EPERM].contains(Int32(truncatingIfNeeded: done)) {
                Self.lacksRanges.store(true, ordering: .relaxed)
            }
            done = max(done, 0)
            outcome.pages += done / Self.pageSize
        }
        // What it has not done, if anything, one by one.
        let isDone = done == wanted
        var index = 0
        while !isDone, index < batch.count {
            // SAFETY: only the distance to the mapping's start is used.
            let range = unsafe batch[index, from: mapping.start]
            let start = min(done, range.size)
            let first = (range.offset + start) / Self.pageSize
            discardRun(first..<(range.offset + range.size) / Self.pageSize, &outcome)
            done -= start
            index += 1
        }
        batch.removeAll()
    }

    /// One run of pages: what came from files gets fresh pages, or the file's would be back.
    private func discardRun(_ run: Range<Int>, _ outcome: inout DiscardOutcome) {
        guard !run.isEmpty else { return }
        let bytes = run.lowerBound * Self.pageSize..<run.upperBound * Self.pageSize
        files.split(bytes) { part, isFile in
            // SAFETY: the run is checked to be this mapping's by its makers, and the part lies in it.
            let start = unsafe mapping.start + part.lowerBound
            var result =
                unsafe isFile ? clinux_map_fresh(start, part.count) : clinux_discard(start, part.count)
            outcome.calls += 1
            if result < 0 && isFile {
                // Too many mappings, which each hole in a file adds to: the memory stays, its bytes do not.
                unsafe clinux_fill_shared(start, 0, part.count)
                result = 0
            }
            if result < 0 {
                outcome.refusedPages += part.count / Self.pageSize
            } else {
                outcome.pages += part.count / Self.pageSize
            }
        }
    }
}

/// Ranges for one system call. On the stack.
@safe
private struct RangeBatch: ~Copyable {
    private static let limit = 256
    private(set) var count = 0
    private(set) var bytes = 0
    private var ranges: InlineArray<256, iovec>

    init() {
        // SAFETY: empty ranges.
        unsafe ranges = InlineArray(repeating: iovec())
    }

    var isFull: Bool { count == Self.limit }

    mutating func append(_ start: UnsafeMutableRawPointer, _ size: Int) {
        // SAFETY: only stored.
        unsafe ranges[count] = iovec(iov_base: start, iov_len: size)
        count += 1
        bytes += size
    }

    /// The range with a number, as an offset from the start of a mapping and a length.
    subscript(index: Int, from start: UnsafeMutableRawPointer) -> (offset: Int, size: Int) {
        // SAFETY: only numbers are made of it.
        let range = unsafe ranges[index]
        return unsafe ((range.iov_base ?? start) - start, range.iov_len)
    }

    /// As `clinux_discard_ranges`.
    func discard() -> Int {
        // SAFETY: the first `count` are ranges of a guest's memory, which whoever appended them answers for.
        unsafe ranges.span.withUnsafeBufferPointer { unsafe clinux_discard_ranges($0.baseAddress, count) }
    }

    mutating func removeAll() {
        count = 0
        bytes = 0
    }
}
