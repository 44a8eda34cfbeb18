public import GuestMemory
internal import Synchronization
public import Virtio

/// A buffer as a driver describes it in a descriptor.
public struct GuestDescriptor: Sendable {
    /// Flag bits (virtio 1.2, 2.7.5).
    public static let next: UInt16 = 1
    /// For the device to write to.
    public static let write: UInt16 = 2
    /// A table of descriptors.
    public static let indirect: UInt16 = 4

    /// Where it begins in guest memory.
    public var address: UInt64
    /// Its length in bytes.
    public var length: UInt32
    /// `next`, `write`, `indirect`, or what a driver may not set.
    public var flags: UInt16
    /// The descriptor behind it, if `flags` has `next`.
    public var next: UInt16

    /// Anything, also what a driver may not write.
    public init(address: UInt64, length: UInt32, flags: UInt16 = 0, next: UInt16 = 0) {
        self.address = address
        self.length = length
        self.flags = flags
        self.next = next
    }
}

/// The driver's side of a split queue, for tests and benchmarks: real memory, real rings.
///
/// Well-behaved by `offer` and `takeUsed`; everything else lets a test be as wicked as it likes.
public final class GuestQueue {
    /// Where the rings lie.
    public let memory: PhysicalMemory
    /// What the device is told.
    public let place: QueuePlace
    private var nextDescriptor: UInt16 = 0
    private var availableIndex: UInt16 = 0
    private var usedIndex: UInt16 = 0

    /// A queue whose areas begin at `base`, a multiple of 4096.
    public init(memory: PhysicalMemory, base: UInt64, size: UInt16) {
        self.memory = memory
        let descriptors = UInt64(size) * 16
        let available = base + descriptors
        let used = (available + UInt64(size) * 2 + 6 + 4095) & ~4095
        place = QueuePlace(size: size, descriptors: base, driverArea: available, deviceArea: used)
    }

    /// The bytes the areas take from `base`.
    public static func footprint(size: UInt16) -> UInt64 {
        let front = UInt64(size) * 18 + 6
        return ((front + 4095) & ~4095) + ((UInt64(size) * 8 + 6 + 4095) & ~4095)
    }

    /// Writes a descriptor, valid or not.
    public func setDescriptor(_ index: UInt16, _ descriptor: GuestDescriptor) throws {
        try setDescriptor(descriptor, at: place.descriptors + 16 * UInt64(index))
    }

    /// Writes a descriptor anywhere, as into an indirect table.
    public func setDescriptor(_ descriptor: GuestDescriptor, at address: UInt64) throws {
        try memory.store(descriptor.address, at: GuestAddress(address))
        try memory.store(descriptor.length, at: GuestAddress(address + 8))
        try memory.store(descriptor.flags, at: GuestAddress(address + 12))
        try memory.store(descriptor.next, at: GuestAddress(address + 14))
    }

    /// Chains buffers in fresh descriptors and makes the chain available.
    ///
    /// - Returns: its head.
    @discardableResult
    public func offer(_ buffers: [GuestDescriptor]) throws -> UInt16 {
        let head = nextDescriptor
        for (position, buffer) in buffers.enumerated() {
            var buffer = buffer
            let index = (head + UInt16(position)) % place.size
            if position + 1 < buffers.count {
                buffer.flags |= GuestDescriptor.next
                buffer.next = (index + 1) % place.size
            }
            try setDescriptor(index, buffer)
        }
        nextDescriptor = (head + UInt16(buffers.count)) % place.size
        try makeAvailable(head)
        return head
    }

    /// Makes a head available, whatever it is.
    public func makeAvailable(_ head: UInt16) throws {
        let slot = UInt64(availableIndex % place.size)
        try memory.store(head, at: GuestAddress(place.driverArea + 4 + 2 * slot))
        availableIndex &+= 1
        try setAvailableIndex(availableIndex)
    }

    /// Sets the available ring's index, whatever it is.
    public func setAvailableIndex(_ index: UInt16) throws {
        availableIndex = index
        try memory.withAtomic(UInt16.self, at: GuestAddress(place.driverArea + 2)) {
            $0.store(index, ordering: .releasing)
        }
    }

    /// The next chain the device has given back, if there is one.
    public func takeUsed() throws -> (head: UInt32, written: UInt32)? {
        let index = try memory.withAtomic(UInt16.self, at: GuestAddress(place.deviceArea + 2)) {
            $0.load(ordering: .acquiring)
        }
        guard index != usedIndex else { return nil }
        let entry = place.deviceArea + 4 + 8 * UInt64(usedIndex % place.size)
        usedIndex &+= 1
        return (
            try memory.load(at: GuestAddress(entry)), try memory.load(at: GuestAddress(entry + 4))
        )
    }

    /// Sets the available ring's flags: 1 wants no interrupt.
    public func setFlags(_ flags: UInt16) throws {
        try memory.store(flags, at: GuestAddress(place.driverArea))
    }

    /// The used ring's flags: 1 wants no notification.
    public func usedFlags() throws -> UInt16 {
        try memory.load(at: GuestAddress(place.deviceArea))
    }

    /// Sets `used_event`: after which index an interrupt is wanted.
    public func setUsedEvent(_ index: UInt16) throws {
        try memory.store(index, at: GuestAddress(place.driverArea + 4 + 2 * UInt64(place.size)))
    }

    /// `avail_event`: after which index the device wants a notification.
    public func availableEvent() throws -> UInt16 {
        try memory.load(at: GuestAddress(place.deviceArea + 4 + 8 * UInt64(place.size)))
    }
}
