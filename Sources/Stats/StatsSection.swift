public import Synchronization

/// A section of a stats page: cells of one shape on cache lines of their own, and a sequence lock.
///
/// One thread at a time writes a number, and one at a time is inside `update`; a lock, or being the only
/// one, sees to that. Readers do not count and are never waited for. As valid as a `StatsCell`.
@safe
public struct StatsSection: @unchecked Sendable {
    // @unchecked: as for StatsCell.

    /// The sequence; the cells follow it.
    @usableFromInline let sequence: UnsafeMutablePointer<Atomic<UInt64>>
    let cellCount: Int

    init(_ sequence: UnsafeMutablePointer<Atomic<UInt64>>, cellCount: Int) {
        // SAFETY: only stored; the page made sure that `cellCount` + 1 cells begin there.
        unsafe self.sequence = sequence
        self.cellCount = cellCount
    }

    /// A number. Take it out once, not on a hot path.
    ///
    /// - Precondition: the slot is of this section's shape.
    public subscript(_ slot: StatsSlot) -> StatsCell {
        precondition(slot.cell < cellCount, "a slot of another shape")
        // SAFETY: checked: cell n lies n + 1 places behind the sequence.
        return unsafe StatsCell(sequence + 1 + slot.cell)
    }

    /// A distribution. Take it out once, not on a hot path.
    ///
    /// - Precondition: the slot is of this section's shape.
    public subscript(_ slot: StatsHistogramSlot) -> StatsHistogram {
        precondition(slot.firstCell + slot.bucketCount < cellCount, "a slot of another shape")
        // SAFETY: checked: the buckets and the sum are cells of this section.
        return unsafe StatsHistogram(sequence + 1 + slot.firstCell, bucketCount: slot.bucketCount)
    }

    /// Changes numbers that belong together: no reader takes some of before and some of after. Two stores
    /// more than the changes themselves. A single number needs no `update`, and none may nest.
    @inlinable @inline(__always)
    public func update<Result>(_ body: () -> Result) -> Result {
        // SAFETY: the sequence of a page, which is never unmapped.
        let start = unsafe sequence.pointee.load(ordering: .relaxed)
        // SAFETY: as above. Odd while it lasts. The fence keeps the changes behind the store; on x86 it
        // holds back the compiler alone.
        unsafe sequence.pointee.store(start &+ 1, ordering: .relaxed)
        atomicMemoryFence(ordering: .releasing)
        let result = body()
        unsafe sequence.pointee.store(start &+ 2, ordering: .releasing)
        return result
    }
}
