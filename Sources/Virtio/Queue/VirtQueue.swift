public import GuestMemory

/// What a driver chose for a queue: numbers, not checked yet.
public struct QueuePlace: Equatable, Sendable {
    /// The number of descriptors.
    public var size: UInt16
    /// Where the descriptor table lies.
    public var descriptors: UInt64
    /// Where the driver's area lies: the available ring of a split queue.
    public var driverArea: UInt64
    /// Where the device's area lies: the used ring of a split queue.
    public var deviceArea: UInt64

    /// Numbers as the driver wrote them.
    public init(size: UInt16, descriptors: UInt64, driverArea: UInt64, deviceArea: UInt64) {
        self.size = size
        self.descriptors = descriptors
        self.driverArea = driverArea
        self.deviceArea = deviceArea
    }
}

/// A queue of an activated device, whatever its format in memory.
///
/// Its owner is the device, which uses it with its own lock held: one thread at a time. An error means
/// that the driver broke the queue; the device then calls `DeviceSignals.fail` and leaves the queue alone.
///
/// A handler's way: `disableNotification`, then `pop`, `push` while there is something and the batch is
/// not full, then `signal`, then `enableNotification` and, if that says so, on with `pop`.
public struct VirtQueue: ~Copyable, Sendable {
    /// Its number.
    public let index: Int
    /// The number of descriptors, a power of two.
    public let size: UInt16
    private let signals: DeviceSignals
    /// The only format so far; the packed ring will be a second case beside it.
    private var ring: SplitQueue

    /// Checks the driver's choices.
    ///
    /// - Parameter maximum: the largest size the device has told the driver.
    public init(
        index: Int, _ place: QueuePlace, maximum: UInt16, features: FeatureSet, memory: PhysicalMemory,
        signals: DeviceSignals
    ) throws(QueueError) {
        guard place.size > 0, place.size <= maximum, place.size & (place.size - 1) == 0 else {
            throw .size(UInt32(place.size), maximum: maximum)
        }
        let ring = try SplitQueue(place, features: features, memory: memory)
        self.ring = ring
        self.index = index
        size = place.size
        self.signals = signals
    }

    /// Takes the next available chain.
    ///
    /// - Returns: false, with the vessel untouched, if there is none.
    public mutating func pop(into chain: inout DescriptorChain) throws(QueueError) -> Bool {
        try ring.pop(into: &chain)
    }

    /// Whether there is a chain to pop.
    public mutating func hasAvailable() throws(QueueError) -> Bool {
        try ring.hasAvailable()
    }

    /// Puts the chains taken last back: the next `pop` takes the first of them again.
    ///
    /// - Parameter count: how many; none of them was given back to the driver.
    public mutating func undoPop(_ count: Int = 1) {
        ring.undoPop(UInt16(truncatingIfNeeded: count))
    }

    /// Gives a chain back to the driver. Order is the device's choice.
    ///
    /// - Parameter written: how many bytes from the start of the writable part were written.
    public mutating func push(_ head: UInt16, written: Int) {
        ring.push(head, written: UInt32(clamping: written))
    }

    /// Gives a chain back to the driver, who sees it no earlier than at the next `publish`: for chains that
    /// belong together, as those of one network packet.
    public mutating func stage(_ head: UInt16, written: Int) {
        ring.stage(head, written: UInt32(clamping: written))
    }

    /// Lets the driver see all that was staged, at once.
    public mutating func publish() {
        ring.publish()
    }

    /// Raises the interrupt if the driver wants one for what was pushed since the last call.
    public mutating func signal() {
        if ring.needsInterrupt() { signals.queueUsed() }
    }

    /// Asks the driver to ring for the next chain.
    ///
    /// - Returns: true if chains came meanwhile: look again, nobody will ring.
    public mutating func enableNotification() throws(QueueError) -> Bool {
        try ring.enableNotification()
    }

    /// Lets the driver add chains without ringing, while the device looks anyway.
    public mutating func disableNotification() {
        ring.disableNotification()
    }
}

/// The queues of a device that a driver has set up, to be taken one by one.
public struct QueueSet: ~Copyable, Sendable {
    /// The most queues a device can have.
    public static let limit = 8
    private var queues: InlineArray<8, VirtQueue?>

    /// No queue.
    public init() {
        queues = InlineArray { _ in nil }
    }

    /// Adds a queue at its index, below `limit`.
    public mutating func add(_ queue: consuming VirtQueue) {
        queues[queue.index] = consume queue
    }

    /// The queue with a number. Nil if the driver has not made it ready, or it was taken.
    public mutating func take(_ index: Int) -> VirtQueue? {
        guard index >= 0, index < Self.limit else { return nil }
        return queues[index].take()
    }
}
