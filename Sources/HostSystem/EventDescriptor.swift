internal import CLinux

/// A counter one thread adds to and another waits for: eventfd(2), non-blocking.
public struct EventDescriptor: ~Copyable, Sendable {
    /// The descriptor, for waiting on it with others.
    public let descriptor: OwnedDescriptor

    /// A counter at zero.
    public init() throws(SystemError) {
        descriptor = OwnedDescriptor(takingOver: try checked(clinux_eventfd(), "make an event descriptor"))
    }

    /// Wakes the waiter. From any thread; never blocks.
    public func signal() {
        var one: UInt64 = 1
        // SAFETY: the buffer is 8 bytes. EAGAIN (the counter is full) still leaves the waiter awake.
        _ = unsafe clinux_write(descriptor.number, &one, 8)
    }

    /// Takes what has been signalled since the last time.
    ///
    /// - Returns: false if there was nothing.
    @discardableResult
    public func drain() -> Bool {
        var count: UInt64 = 0
        // SAFETY: the buffer is 8 bytes.
        return unsafe clinux_read(descriptor.number, &count, 8) == 8
    }
}
