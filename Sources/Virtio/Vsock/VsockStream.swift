internal import HostSystem

/// The two ports of a stream, which name it.
struct VsockPorts: Hashable {
    let guest: UInt32
    let host: UInt32
}

/// Both directions' credit of a stream (virtio 1.2, 5.10.6.3). Counts of bytes are modulo 2^32.
struct VsockCredit {
    /// What we hold for the host at a time.
    let allocation: UInt32
    /// Bytes that came from the guest.
    private(set) var received: UInt32 = 0
    /// Of these, bytes the host has.
    private(set) var forwarded: UInt32 = 0
    /// `forwarded` as the guest was told last.
    private(set) var told: UInt32 = 0
    /// Bytes that went to the guest.
    private var sent: UInt32 = 0
    private var peerAllocation: UInt32 = 0
    private var peerForwarded: UInt32 = 0

    init(allocation: UInt32) {
        self.allocation = allocation
    }

    /// Notes what the guest says in a packet. It may lie: then it gets less.
    mutating func learn(_ packet: VsockPacket) {
        peerAllocation = packet.allocation
        peerForwarded = packet.forwarded
    }

    /// Bytes the guest has room for.
    var room: UInt32 {
        let underWay = sent &- peerForwarded
        return underWay < peerAllocation ? peerAllocation - underWay : 0
    }

    /// Bytes went to the guest.
    mutating func send(_ count: UInt32) { sent &+= count }

    /// Bytes came from the guest.
    ///
    /// - Returns: false, with nothing noted, if it was never allowed so many.
    mutating func receive(_ count: UInt32) -> Bool {
        guard count <= allocation - (received &- forwarded) else { return false }
        received &+= count
        return true
    }

    /// Bytes went on to the host, or were thrown away.
    mutating func forward(_ count: UInt32) { forwarded &+= count }

    /// The guest is being told.
    mutating func tell() { told = forwarded }

    /// Whether the guest should be told that there is room again: it believes in less than half, and it is
    /// worth a packet.
    var mustTell: Bool {
        received &- told > allocation / 2 && forwarded &- told >= allocation / 4
    }
}

/// What came from the guest and the host has not taken, in order.
struct VsockBacklog {
    private var bytes: [UInt8] = []
    private var start = 0

    var isEmpty: Bool { start == bytes.count }
    var count: Int { bytes.count - start }

    /// Adds all that is left to read in a chain.
    mutating func append(_ chain: inout DescriptorChain) {
        if start > 0 {
            bytes.removeSubrange(0..<start)
            start = 0
        }
        let old = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: chain.readableBytes))
        var span = bytes.mutableSpan
        // SAFETY: bytes have no padding.
        var room = unsafe span.mutableBytes
        var part = room._mutatingExtracting(droppingFirst: old)
        _ = chain.read(into: &part)
    }

    /// Sends what the socket takes.
    ///
    /// - Returns: the count or a negated error number.
    mutating func send(to socket: Int32) -> Int {
        // SAFETY: bytes have no padding.
        let count = unsafe StreamSocket.send(socket, bytes.span.bytes.extracting(droppingFirst: start))
        guard count > 0 else { return count }
        start += count
        if isEmpty { clear() }
        return count
    }

    /// Forgets all, and gives its memory back.
    mutating func clear() {
        bytes = []
        start = 0
    }
}

/// A slot of the table: a stream, or a program of the host that wants to become one.
struct VsockStream: ~Copyable {
    enum State {
        /// Nobody's.
        case free
        /// A program of the host is connected and has not said where to.
        case greeting
        /// The guest has been, or will be, asked on behalf of a program of the host.
        case requested
        /// The guest waits for a program of the host that has no room for more connections yet.
        case connecting
        /// Data flow.
        case established
        /// Over for the guest; the host gets what is left.
        case draining
        /// Over for the host; the guest is told by a reset.
        case resetting
    }

    /// Packets other than data that are to go to the guest.
    struct Pending: OptionSet {
        let rawValue: UInt8
        static let request = Pending(rawValue: 1)
        static let response = Pending(rawValue: 2)
        static let reset = Pending(rawValue: 4)
        static let shutdown = Pending(rawValue: 8)
        static let creditUpdate = Pending(rawValue: 16)
        static let creditRequest = Pending(rawValue: 32)
    }

    var state = State.free
    /// Never the same for two uses of a slot within the life of an event.
    var generation: UInt32 = 0
    var ports = VsockPorts(guest: 0, host: 0)
    var socket: OwnedDescriptor?
    var registration: EventRegistration?
    var credit = VsockCredit(allocation: 0)
    var backlog = VsockBacklog()
    var pending: Pending = []
    /// What the guest does no more.
    var guestShutdown: VsockShutdown = []
    /// What the host does no more.
    var hostShutdown: VsockShutdown = []
    /// Of that, what the guest was told.
    var toldShutdown: VsockShutdown = []
    /// Whether receiving from the socket may find something.
    var isReadable = false
    /// Whether the program of the host is gone altogether.
    var isHungUp = false
    /// Whether the loop tells when the socket takes more.
    var awaitsRoom = false
    /// Whether the guest was asked for credit since it had some last.
    var hasAskedForCredit = false
    /// Whether it stands among those that have something for the guest.
    var isQueued = false
    /// The next of those; -1 is none.
    var next: Int32 = -1
    /// When it ends if nothing happens, by the monotonic clock; 0 is never.
    var deadline: UInt64 = 0

    /// The socket's number; it is there while the host side lives.
    var descriptor: Int32? {
        switch socket {
        case .some(let socket): socket.number
        case nil: nil
        }
    }

    /// Whether data of the host's may go to the guest, for all that is known.
    var canReceive: Bool {
        state == .established && isReadable && !hostShutdown.contains(.send)
            && !guestShutdown.contains(.receive) && !pending.contains(.response)
    }

    /// Whether there is something for the guest.
    var hasSomething: Bool {
        !pending.isEmpty || (canReceive && credit.room > 0)
    }
}
