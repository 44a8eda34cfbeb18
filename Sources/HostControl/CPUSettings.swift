/// What a machine is set to, in its mechanism's own steps.
public struct CPUSettings: Sendable, Equatable {
    /// `cpu.weight` (1 to 10000), `cpu.shares` (2 to 262144), or the nice value (`CPUMechanism.weights`).
    public var weight: Int
    /// The most processor time it may have; nil for all it gets.
    public var limit: CPULimit?

    /// Both.
    public init(weight: Int, limit: CPULimit? = nil) {
        self.weight = weight
        self.limit = limit
    }
}

/// Processor time in each period: CFS bandwidth control (Linux, Documentation/scheduler/sched-bwc.rst).
public struct CPULimit: Sendable, Equatable {
    /// Microseconds of processor time in a period, over all processors; 1000 at the least.
    public var quota: Int
    /// Microseconds, 1000 to 1000000.
    public var period: Int

    /// Both, in microseconds.
    public init(quota: Int, period: Int) {
        self.quota = quota
        self.period = period
    }
}

/// What a machine's group has used since it was made, in nanoseconds over all processors.
public struct CPUUsage: Sendable, Equatable {
    /// On a processor: guest code, and the machine's own threads.
    public var used: UInt64
    /// Throttled by its limit: of each processor, the time in which threads that wanted to run there were not let
    /// (`WaitingSplit` makes time of virtual CPUs of it); nil if the mechanism has no limits. While the machine has
    /// none it stays what it was.
    public var limited: UInt64?
    /// Periods in which its limit was reached; nil if the mechanism has none.
    public var limitedPeriods: UInt64?

    /// All three.
    public init(used: UInt64, limited: UInt64? = nil, limitedPeriods: UInt64? = nil) {
        self.used = used
        self.limited = limited
        self.limitedPeriods = limitedPeriods
    }
}
