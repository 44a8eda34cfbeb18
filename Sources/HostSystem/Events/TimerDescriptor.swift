internal import CLinux

/// A descriptor that is readable when a time has come: timerfd(2) on the monotonic clock, non-blocking.
public struct TimerDescriptor: ~Copyable, Sendable {
    /// The descriptor, for waiting on it with others.
    public let descriptor: OwnedDescriptor

    /// A timer that is not set.
    public init() throws(SystemError) {
        descriptor = OwnedDescriptor(takingOver: try checked(clinux_timerfd(), "make a timer"))
    }

    /// Sets it anew; what it was set to is forgotten, an expiration nobody has taken included.
    ///
    /// - Parameters:
    ///   - afterNanoseconds: from now; 0 is at once.
    ///   - every: the time between further expirations in nanoseconds; 0 for none.
    public func set(afterNanoseconds first: UInt64, every interval: UInt64 = 0) {
        // 0 would disarm it, and the kernel refuses only times past the year 2262.
        let longest = UInt64(Int64.max)
        _ = clinux_timerfd_set(descriptor.number, min(max(first, 1), longest), min(interval, longest))
    }

    /// Forgets the time.
    public func disarm() {
        _ = clinux_timerfd_set(descriptor.number, 0, 0)
    }

    /// Takes the expirations since the last time.
    ///
    /// The kernel counts on with a repeated time only once this was called. Who set a single time and
    /// watches edges need not call it.
    ///
    /// - Returns: how many there were.
    @discardableResult
    public func drain() -> UInt64 {
        var count: UInt64 = 0
        // SAFETY: the buffer is 8 bytes.
        return unsafe clinux_read(descriptor.number, &count, 8) == 8 ? count : 0
    }
}
