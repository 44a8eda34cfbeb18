/// The constants of the controller, with the reasons for their sizes in docs/adr/0008-cpu-enforcement.md.
public struct EnforcementTuning: Sendable, Equatable {
    /// Nanoseconds between ticks while virtual CPUs are split over host CPUs, with few VMs.
    public var splitInterval: UInt64 = 20_000_000
    /// Nanoseconds between ticks while there is not enough for all.
    public var busyInterval: UInt64 = 50_000_000
    /// Nanoseconds between ticks else.
    public var idleInterval: UInt64 = 100_000_000
    /// Nanoseconds that a tick waits at the least for each VM beyond a few, so that reading what they used stays cheap:
    /// many on a host CPU take turns so slowly that looking more often would show nothing.
    public var intervalForEach: UInt64 = 7_000_000
    /// Those few.
    public var fewMachines = 8
    /// Nanoseconds in which weights make up for a lag.
    public var horizon: Double = 300_000_000
    /// Nanoseconds of lag that are the scheduler's own grain, to which no weight answers.
    public var grain: Double = 4_000_000
    /// The most, as a part of it, that a weight gives for a lag.
    public var authority: Double = 0.3
    /// Nanoseconds of its right that a VM's lag may grow to: no more is made up for later.
    public var mostLag: Double = 250_000_000
    /// The change of a weight, as a part of it, below which it is not written; more of a small one where
    /// ticks are long.
    public var leastChange: Double = 0.01
    /// Nanoseconds by which those at home on host CPUs may be apart before the plan is made anew.
    public var splitThreshold: Double = 20_000_000
    /// Nanoseconds for which a plan stays at the least.
    public var leastPlanAge: Double = 300_000_000
    /// What may be wanting on a host CPU, in host CPUs, before something is split.
    public var tolerance = 0.01
    /// The same, once that has proved too much.
    public var strictTolerance = 0.001
    /// Nanoseconds over which is learnt what the rest of the host leaves of a host CPU.
    public var capacityMemory: Double = 500_000_000
    /// The change of it, in host CPUs, that makes a plan anew.
    public var capacityChange = 0.03
    /// Nanoseconds after which virtual CPUs that are held to host CPUs go one further.
    public var turnInterval: Double = 200_000_000
    /// What a VM that its limit holds back weighs more than its right, so that the limit does it and not the
    /// weight: the kernel then tells the one from the other, and nobody else loses by it.
    public var limitedHeadroom = 1.3
    /// Nanoseconds over which is judged whether a virtual CPU wants all its time; longer where many share a host
    /// CPU, for each then waits long.
    public var memory: Double = 60_000_000

    /// The usual ones.
    public init() {}
}
