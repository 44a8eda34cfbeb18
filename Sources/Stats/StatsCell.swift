public import Synchronization

/// One 64-bit number of a stats page, written by one thread at a time: a plain store, no lock prefix, no
/// allocation. Readers in other processes see the old value or the new one.
///
/// A copy is as good as the original, and valid as long as the process lives (see `StatsPage`).
@safe
public struct StatsCell: @unchecked Sendable {
    // @unchecked: every access is atomic; that two threads do not add at once is the section's rule, and
    // breaking it loses counts, not memory.

    @usableFromInline let pointer: UnsafeMutablePointer<Atomic<UInt64>>

    /// The value of an identifier that names nothing.
    public static let nothing = UInt64.max

    init(_ pointer: UnsafeMutablePointer<Atomic<UInt64>>) {
        // SAFETY: only stored; the section made sure that it is a cell of a page, which is never unmapped.
        unsafe self.pointer = pointer
    }

    /// The value now.
    @inlinable @inline(__always)
    public var value: UInt64 {
        // SAFETY: a cell of a page, which is never unmapped.
        unsafe pointer.pointee.load(ordering: .relaxed)
    }

    /// Sets the value.
    @inlinable @inline(__always)
    public func set(_ value: UInt64) {
        // SAFETY: as for `value`.
        unsafe pointer.pointee.store(value, ordering: .relaxed)
    }

    /// Adds to the value; wraps.
    @inlinable @inline(__always)
    public func add(_ amount: UInt64 = 1) {
        set(value &+ amount)
    }

    /// Takes from the value; wraps. For gauges.
    @inlinable @inline(__always)
    public func subtract(_ amount: UInt64) {
        set(value &- amount)
    }

    /// Sets the value if it becomes greater by that. For peaks.
    @inlinable @inline(__always)
    public func raise(to amount: UInt64) {
        if amount > value { set(amount) }
    }
}

/// A distribution in a stats page, by powers of two, with the sum of all values. Written by one thread at
/// a time; each value costs two stores. As valid as a `StatsCell`.
@safe
public struct StatsHistogram: @unchecked Sendable {
    // @unchecked: as for StatsCell.

    @usableFromInline let cells: UnsafeMutablePointer<Atomic<UInt64>>
    @usableFromInline let bucketCount: Int

    init(_ cells: UnsafeMutablePointer<Atomic<UInt64>>, bucketCount: Int) {
        // SAFETY: only stored; the section made sure that `bucketCount` + 1 cells begin there.
        unsafe self.cells = cells
        self.bucketCount = bucketCount
    }

    /// Counts a value.
    @inlinable @inline(__always)
    public func record(_ value: UInt64) {
        let bucket = min(UInt64.bitWidth &- value.leadingZeroBitCount, bucketCount &- 1)
        // SAFETY: a bucket is below `bucketCount`, and the sum's cell follows the buckets.
        unsafe Self.add(1, to: cells + bucket)
        // SAFETY: as above.
        unsafe Self.add(value, to: cells + bucketCount)
    }

    @inlinable @inline(__always)
    static func add(_ amount: UInt64, to cell: UnsafeMutablePointer<Atomic<UInt64>>) {
        // SAFETY: the caller's cell is one of a page, which is never unmapped.
        unsafe cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}
