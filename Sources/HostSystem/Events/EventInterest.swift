/// What to be told of a descriptor, and what was found out: the bits of epoll(7).
public struct EventInterest: OptionSet, Sendable, Hashable {
    /// The bits of `struct epoll_event.events`.
    public let rawValue: UInt32

    /// Bits as epoll has them.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// There is something to read. C constant: `EPOLLIN`.
    public static let readable = EventInterest(rawValue: 0x001)
    /// A write will not block. C constant: `EPOLLOUT`.
    public static let writable = EventInterest(rawValue: 0x004)
    /// The descriptor is broken; told without being asked for. C constant: `EPOLLERR`.
    public static let error = EventInterest(rawValue: 0x008)
    /// The other side is gone; told without being asked for. C constant: `EPOLLHUP`.
    public static let hangUp = EventInterest(rawValue: 0x010)
    /// The other side will send no more. C constant: `EPOLLRDHUP`.
    public static let endOfInput = EventInterest(rawValue: 0x2000)
    /// Tell of every arrival once, rather than as long as something is there. Each signal of an
    /// `EventDescriptor` is an arrival: nothing need be read from it then. Never reported back.
    /// C constant: `EPOLLET`.
    public static let edgeTriggered = EventInterest(rawValue: 0x8000_0000)
}

/// Names what an `EventLoop` watches. A name outlives the thing: after `unwatch` it names nothing.
public struct EventRegistration: Sendable, Hashable {
    let slot: UInt32
    let generation: UInt32
}
