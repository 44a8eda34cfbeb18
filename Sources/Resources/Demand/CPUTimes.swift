/// What a VM's virtual CPUs did in an interval, in nanoseconds summed over all of them.
///
/// Whatever of the interval is in none of these, they slept.
public struct CPUTimes: Hashable, Sendable {
    /// Running on a host CPU.
    public var used: UInt64
    /// Runnable, and waiting for a host CPU.
    public var ready: UInt64
    /// Runnable, and held back by a limit.
    public var limited: UInt64

    /// Times.
    public init(used: UInt64, ready: UInt64, limited: UInt64 = 0) {
        self.used = used
        self.ready = ready
        self.limited = limited
    }
}
