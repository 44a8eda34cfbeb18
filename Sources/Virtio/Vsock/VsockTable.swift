internal import HostSystem

/// The streams of a device: slots that are used again, found by their ports, and the line of those that
/// have something for the guest.
///
/// Slots come into being as they are needed, up to the capacity. Finding and lining up allocate nothing.
@safe
struct VsockTable: ~Copyable, @unchecked Sendable {
    // @unchecked: the slots have one owner, this value.

    let capacity: Int
    /// Slots so far: all below are initialised.
    private(set) var slotCount = 0
    /// Slots in use.
    private(set) var count = 0
    private let slots: UnsafeMutablePointer<VsockStream>
    private var free: [Int32] = []
    private var byPorts: [VsockPorts: Int32] = [:]
    private var first: Int32 = -1
    private var last: Int32 = -1

    init(capacity: Int) {
        self.capacity = capacity
        // SAFETY: initialised as `slotCount` grows. The kernel gives pages when they are touched.
        unsafe slots = .allocate(capacity: max(capacity, 1))
    }

    deinit {
        // SAFETY: `slotCount` of them are initialised.
        unsafe slots.deinitialize(count: slotCount)
        unsafe slots.deallocate()
    }

    /// A slot; it may be free.
    subscript(index: Int) -> VsockStream {
        _read {
            precondition(index >= 0 && index < slotCount)
            // SAFETY: initialised, as all below `slotCount`.
            yield unsafe slots[index]
        }
        _modify {
            precondition(index >= 0 && index < slotCount)
            // SAFETY: as above; this is the only access, for `self` is being modified.
            yield &(unsafe slots[index])
        }
    }

    /// Takes a free slot. Nil if all are in use.
    mutating func add(_ state: VsockStream.State) -> Int? {
        let index: Int
        if let old = free.popLast() {
            index = Int(old)
        } else {
            guard slotCount < capacity else { return nil }
            index = slotCount
            // SAFETY: below the capacity, and not initialised before.
            unsafe (slots + index).initialize(to: VsockStream())
            slotCount += 1
        }
        count += 1
        self[index].state = state
        return index
    }

    /// The stream with these ports.
    func find(_ ports: VsockPorts) -> Int? {
        byPorts[ports].map { Int($0) }
    }

    /// Makes a slot findable.
    mutating func name(_ index: Int, _ ports: VsockPorts) {
        self[index].ports = ports
        byPorts[ports] = Int32(index)
    }

    /// Makes a slot no longer findable.
    mutating func unname(_ index: Int) {
        let ports = self[index].ports
        if byPorts[ports] == Int32(index) { byPorts[ports] = nil }
    }

    /// Gives a slot back; its socket is closed. It was unwatched before.
    mutating func remove(_ index: Int) {
        unname(index)
        let generation = self[index].generation &+ 1
        let isQueued = self[index].isQueued
        let next = self[index].next
        self[index] = VsockStream()
        self[index].generation = generation
        count -= 1
        if isQueued {
            // It leaves the line when its turn comes, and is free only then.
            self[index].isQueued = true
            self[index].next = next
        } else {
            free.append(Int32(index))
        }
    }

    /// Puts a slot at the end of the line, if it is not in it.
    mutating func enqueue(_ index: Int) {
        guard !self[index].isQueued else { return }
        self[index].isQueued = true
        self[index].next = -1
        if last >= 0 { self[Int(last)].next = Int32(index) } else { first = Int32(index) }
        last = Int32(index)
    }

    /// Whether nobody is in line.
    var isLineEmpty: Bool { first < 0 }

    /// Takes the first of the line.
    mutating func dequeue() -> Int? {
        while first >= 0 {
            let index = Int(first)
            first = self[index].next
            if first < 0 { last = -1 }
            self[index].isQueued = false
            self[index].next = -1
            if self[index].state != .free { return index }
            free.append(Int32(index))
        }
        return nil
    }
}

/// Answers to packets of no stream, in order; no more than a queue of the guest's holds.
struct VsockRefusals {
    /// How many there may be before no more packets are taken from the guest.
    static let limit = 256
    private var packets: [VsockPacket] = []
    private var start = 0

    init() {
        packets.reserveCapacity(Self.limit)
    }

    var isEmpty: Bool { start == packets.count }
    var isFull: Bool { packets.count - start >= Self.limit }

    /// Adds one; there is room.
    mutating func append(_ packet: VsockPacket) {
        if start > 0, packets.count == packets.capacity {
            packets.removeSubrange(0..<start)
            start = 0
        }
        packets.append(packet)
    }

    /// The first.
    mutating func popFirst() -> VsockPacket? {
        guard !isEmpty else { return nil }
        defer {
            start += 1
            if isEmpty { clear() }
        }
        return packets[start]
    }

    /// Forgets all.
    mutating func clear() {
        packets.removeAll(keepingCapacity: true)
        start = 0
    }
}
