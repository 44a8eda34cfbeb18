internal import GuestMemory
internal import Synchronization

/// The split virtqueue (virtio 1.2, 2.7), the device's side.
///
/// Three areas in guest memory: descriptors, the driver's ring of available chains, the device's ring of
/// used ones. Ring indices are loaded and stored with acquire and release, everything else is read once
/// and the copy validated. After an error the queue is of no use before a reset.
struct SplitQueue: ~Copyable {
    private let memory: PhysicalMemory
    private let descriptors: GuestBuffer
    private let available: GuestBuffer
    private let used: GuestBuffer
    private let size: UInt16
    private let mask: UInt16
    private let hasEventIndex: Bool
    private let hasIndirect: Bool

    /// The next entry of the available ring to look at, free-running.
    private var nextAvailable: UInt16 = 0
    /// The driver's index when it was last read: entries before it need no new look.
    private var knownAvailable: UInt16 = 0
    /// The next entry of the used ring to fill, free-running.
    private var nextUsed: UInt16 = 0
    /// Entries from `nextUsed` on that are filled and the driver does not see yet.
    private var staged: UInt16 = 0
    /// `nextUsed` when the driver was last told.
    private var toldUsed: UInt16 = 0

    private static let descriptorSize = 16
    /// Behind flags and index.
    private static let ringStart = 4

    /// Checks everything the driver chose (2.7: sizes and alignments).
    init(_ place: QueuePlace, features: FeatureSet, memory: PhysicalMemory) throws(QueueError) {
        let count = UInt64(place.size)
        let descriptors = try Self.area(
            memory, place.descriptors, count * UInt64(Self.descriptorSize), alignment: 16, "descriptor table")
        // Both rings carry an event word behind their entries.
        let available = try Self.area(
            memory, place.driverArea, count * 2 + 6, alignment: 2, "available ring")
        let used = try Self.area(memory, place.deviceArea, count * 8 + 6, alignment: 4, "used ring")
        self.descriptors = descriptors
        self.available = available
        self.used = used
        self.memory = memory
        size = place.size
        mask = place.size &- 1
        hasEventIndex = features.contains(.eventIndex)
        hasIndirect = features.contains(.indirectDescriptors)
    }

    private static func area(
        _ memory: PhysicalMemory, _ address: UInt64, _ size: UInt64, alignment: UInt64, _ name: String
    ) throws(QueueError) -> GuestBuffer {
        do {
            return try memory.buffer(at: GuestAddress(address), size: size, alignment: alignment)
        } catch {
            throw .ring(name, address: address)
        }
    }

    /// Takes the next available chain.
    ///
    /// - Returns: false if there is none.
    @inlinable
    mutating func pop(into chain: inout DescriptorChain) throws(QueueError) -> Bool {
        guard try hasAvailable() else { return false }
        let head: UInt16 = available.load(at: Self.ringStart + 2 * Int(nextAvailable & mask))
        chain.clear()
        chain.head = head
        try walk(from: head, into: &chain)
        nextAvailable &+= 1
        return true
    }

    /// Whether the driver has made a chain available that was not taken yet.
    mutating func hasAvailable() throws(QueueError) -> Bool {
        if nextAvailable != knownAvailable { return true }
        // Acquire: the ring's entry and the descriptors are read after the index that covers them.
        let index = available.withAtomic(UInt16.self, at: 2) { $0.load(ordering: .acquiring) }
        guard index &- nextAvailable <= size else {
            throw .availableIndex(index, expected: nextAvailable)
        }
        knownAvailable = index
        return index != nextAvailable
    }

    /// Follows the chain and checks each descriptor once, on a copy.
    private func walk(from head: UInt16, into chain: inout DescriptorChain) throws(QueueError) {
        var table = descriptors
        var tableSize = UInt32(size)
        var index = UInt32(head)
        var isIndirect = false
        // Each table's every descriptor at most once: a longer chain is a loop.
        var left = UInt32(size)
        while true {
            guard index < tableSize else { throw .descriptorIndex(index, limit: tableSize) }
            guard left > 0 else { throw .endlessChain }
            left &-= 1
            let descriptor = Descriptor(table, Int(index) &* Self.descriptorSize)
            if descriptor.flags.contains(.indirect) {
                guard hasIndirect else { throw .indirect("was not negotiated") }
                guard !isIndirect else { throw .indirect("lies in a table of indirect descriptors") }
                guard !descriptor.flags.contains(.next) else { throw .indirect("has a successor") }
                table = try indirectTable(descriptor)
                tableSize = UInt32(truncatingIfNeeded: table.count / Self.descriptorSize)
                isIndirect = true
                index = 0
                left = tableSize
                continue
            }
            try chain.append(
                buffer(descriptor), isWritable: descriptor.flags.contains(.write))
            guard descriptor.flags.contains(.next) else { return }
            index = UInt32(descriptor.next)
        }
    }

    private func buffer(_ descriptor: Descriptor) throws(QueueError) -> GuestBuffer {
        do {
            return try memory.buffer(at: GuestAddress(descriptor.address), size: UInt64(descriptor.length))
        } catch {
            throw .buffer(address: descriptor.address, length: descriptor.length)
        }
    }

    private func indirectTable(_ descriptor: Descriptor) throws(QueueError) -> GuestBuffer {
        let length = descriptor.length
        guard length > 0, length % UInt32(Self.descriptorSize) == 0 else {
            throw .indirect("has a table of \(length) bytes")
        }
        // Linux makes tables longer than a small queue, and all devices we know take them.
        guard length / UInt32(Self.descriptorSize) <= Self.longestTable else {
            throw .indirect("has a table of \(length / 16) descriptors")
        }
        do {
            // Drivers need not align the table (2.7.5.3 asks nothing), but all do: words of it are loaded whole.
            return try memory.buffer(
                at: GuestAddress(descriptor.address), size: UInt64(length), alignment: 8)
        } catch {
            throw .buffer(address: descriptor.address, length: length)
        }
    }

    /// What readv(2) takes at once (IOV_MAX), and above every size a queue of ours has.
    private static let longestTable: UInt32 = 1024

    /// Gives a chain back to the driver, and those staged before it.
    mutating func push(_ head: UInt16, written: UInt32) {
        stage(head, written: written)
        publish()
    }

    /// Fills the next entry of the used ring, unseen by the driver.
    mutating func stage(_ head: UInt16, written: UInt32) {
        let entry = Self.ringStart + 8 * Int((nextUsed &+ staged) & mask)
        used.store(UInt32(head), at: entry)
        used.store(written, at: entry + 4)
        staged &+= 1
    }

    /// Lets the driver see what was staged, all at once.
    mutating func publish() {
        nextUsed &+= staged
        staged = 0
        // Release: the entry, and the data, are seen before the index that covers them.
        used.withAtomic(UInt16.self, at: 2) { $0.store(nextUsed, ordering: .releasing) }
    }

    /// Puts the last chains taken back, as if they had never been.
    mutating func undoPop(_ count: UInt16) {
        nextAvailable &-= count
    }

    /// Whether the driver wants an interrupt for what was pushed since the last call (2.7.7).
    mutating func needsInterrupt() -> Bool {
        guard nextUsed != toldUsed else { return false }
        let old = toldUsed
        toldUsed = nextUsed
        // Our index is stored before the driver's wish is read: else both sides could wait.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        guard hasEventIndex else {
            let flags: UInt16 = available.load(at: 0)
            return flags & 1 == 0
        }
        let event: UInt16 = available.load(at: Self.ringStart + 2 * Int(size))
        // vring_need_event: has the index passed the event since `old`?
        return nextUsed &- event &- 1 < nextUsed &- old
    }

    /// Asks the driver to ring for the next chain (2.7.10).
    ///
    /// - Returns: true if chains came meanwhile: the caller must look again, nobody will ring.
    mutating func enableNotification() throws(QueueError) -> Bool {
        if hasEventIndex {
            used.store(nextAvailable, at: Self.ringStart + 8 * Int(size))
        } else {
            used.store(UInt16(0), at: 0)
        }
        // Our wish is stored before the driver's index is read: else both sides could wait.
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        return try hasAvailable()
    }

    /// Lets the driver add chains without ringing, while somebody looks anyway.
    mutating func disableNotification() {
        // With event indices an old event says just that.
        if !hasEventIndex { used.store(UInt16(1), at: 0) }
    }
}

/// A descriptor, copied out (2.7.5).
private struct Descriptor {
    struct Flags: OptionSet {
        let rawValue: UInt16
        static let next = Flags(rawValue: 1)
        static let write = Flags(rawValue: 2)
        static let indirect = Flags(rawValue: 4)
    }

    let address: UInt64
    let length: UInt32
    let flags: Flags
    let next: UInt16

    @inline(__always)
    init(_ table: GuestBuffer, _ offset: Int) {
        address = table.load(at: offset)
        // The rest in one load, so that the compiler need not think of four.
        let rest: UInt64 = table.load(at: offset &+ 8)
        length = UInt32(truncatingIfNeeded: rest)
        flags = Flags(rawValue: UInt16(truncatingIfNeeded: rest &>> 32))
        next = UInt16(truncatingIfNeeded: rest &>> 48)
    }
}
