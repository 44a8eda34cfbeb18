/// Which of the host's mechanisms may divide it: what a user asks for.
public enum MechanismChoice: String, Sendable, CaseIterable {
    /// The best there is.
    case best = "auto"
    /// Control groups, of whichever version, or nothing.
    case groups = "cgroup"
    /// Nice values, or nothing, although there may be control groups.
    case niceValues = "nice"
}
