/// How this host divides its processors among machines.
public enum CPUMechanism: Sendable, Equatable, CustomStringConvertible {
    /// A control group of version 2 for each machine, in the subtree this process was given.
    case cgroupV2
    /// A group for each machine in the `cpu` and `cpuacct` hierarchies of version 1.
    case cgroupV1
    /// The nice values of the virtual CPUs' threads, from this one up to 19.
    case nice(lowest: Int)
    /// The nice values of sessions, from this one up to 19: while the kernel groups processes by session (sched(7),
    /// the autogroup feature), those of threads have no effect between sessions.
    case sessions(lowest: Int)
    /// None: machines are observed and may be placed, that is all.
    case none

    /// The steps of a machine's weight, or of its nice value; nil if it has none.
    public var weights: ClosedRange<Int>? {
        switch self {
        case .cgroupV2: 1...10_000
        case .cgroupV1: 2...262_144
        case .nice(let lowest), .sessions(let lowest): min(max(lowest, -20), 19)...19
        case .none: nil
        }
    }

    /// Whether a machine can be limited although processors are idle.
    public var canLimit: Bool {
        switch self {
        case .cgroupV2, .cgroupV1: true
        case .nice, .sessions, .none: false
        }
    }

    /// For people: `cgroup v2`, `nice values from -20`.
    public var description: String {
        switch self {
        case .cgroupV2: "cgroup v2"
        case .cgroupV1: "cgroup v1"
        case .nice(let lowest): "nice values from \(lowest)"
        case .sessions(let lowest): "nice values of sessions from \(lowest)"
        case .none: "none"
        }
    }
}
