/// A request from when it was taken to when it is given back.
struct BlockSlot: ~Copyable {
    /// What is being done for it.
    enum Work {
        /// Nothing: `verdict` is the answer.
        case answer
        case read
        case write
        case flush
        /// The disk's name is told.
        case identify
        /// A discard, or a write-zeroes request that may give sectors back.
        case punchHole
        case zeroRange
        /// Zeros are written, since the file has no better way.
        case writeZeros
    }

    /// Its segments; they are what the kernel reads and writes.
    var chain = DescriptorChain()
    /// Where the driver reads how it went.
    var status: GuestSlice?
    var work = Work.answer
    var verdict = BlockStatus.ok
    /// Whether the guest asked to read, rightly or not.
    var isRead = false
    /// Of a request with ranges: whether it is a discard.
    var isDiscard = false
    /// The place in the file where it goes on, in bytes.
    var offset: UInt64 = 0
    /// What is left of its data or range, in bytes.
    var left: UInt64 = 0
    /// Bytes of the guest's that may be written, the status left out.
    var room = 0
    /// When it was taken, by the monotonic clock in nanoseconds.
    var start: UInt64 = 0
    /// Of a flush: the changes it brings to the medium, see `BlockState.changes`.
    var covers: UInt64 = 0
    /// Whether it may have changed the file.
    var isChange: Bool {
        switch work {
        case .write, .punchHole, .zeroRange, .writeZeros: true
        case .answer, .read, .flush, .identify: false
        }
    }
    /// Whether the page cache is passed by now, and whether that was refused before.
    var isDirect = false
    var refusesDirect = false

    /// A part of its data has been read or written.
    mutating func advance(by count: Int) {
        if case .read = work { chain.skipWritable(count) } else { chain.skipReadable(count) }
        offset += UInt64(count)
        left -= UInt64(count)
    }
}

/// All slots of a device: made once, so that the data path allocates nothing.
@safe
struct BlockSlots: ~Copyable, @unchecked Sendable {
    // @unchecked: owned by the device's state, reached with its lock held.

    private let slots: UnsafeMutablePointer<BlockSlot>
    private let free: UnsafeMutablePointer<Int32>
    private(set) var freeCount: Int
    let count: Int

    init(count: Int) {
        self.count = count
        freeCount = count
        // SAFETY: both are `count` elements, initialised here.
        unsafe slots = .allocate(capacity: count)
        unsafe free = .allocate(capacity: count)
        for index in 0..<count {
            unsafe (slots + index).initialize(to: BlockSlot())
            unsafe (free + index).initialize(to: Int32(count - 1 - index))
        }
    }

    deinit {
        // SAFETY: initialised by `init`; nothing is under way when the owner ends.
        unsafe slots.deinitialize(count: count)
        unsafe slots.deallocate()
        unsafe free.deallocate()
    }

    /// How many requests are in slots.
    var usedCount: Int { count - freeCount }

    subscript(index: Int) -> BlockSlot {
        _read {
            precondition(index >= 0 && index < count)
            // SAFETY: inside, checked above.
            yield unsafe slots[index]
        }
        _modify {
            precondition(index >= 0 && index < count)
            // SAFETY: inside, checked above.
            yield unsafe &slots[index]
        }
    }

    /// Takes a free slot; there must be one.
    mutating func take() -> Int {
        precondition(freeCount > 0)
        freeCount -= 1
        // SAFETY: 0 <= freeCount < count.
        return unsafe Int(free[freeCount])
    }

    /// Gives a slot back that was taken.
    mutating func giveBack(_ index: Int) {
        precondition(freeCount < count)
        // SAFETY: freeCount < count.
        unsafe free[freeCount] = Int32(index)
        freeCount += 1
    }
}
