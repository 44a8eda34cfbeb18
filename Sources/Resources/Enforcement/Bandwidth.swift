/// A limit as the kernel enforces it: so much processor time in each period (CFS bandwidth control).
public struct Bandwidth: Sendable, Hashable {
    /// Microseconds of processor time in a period, 1000 at the least.
    public let quota: Int
    /// Microseconds, 1000 to 1000000.
    public let period: Int

    /// What the kernel takes for periods and, as the least, for quotas.
    public static let shortest = 1000
    /// What the kernel takes for periods at most.
    public static let longestPeriod = 1_000_000
    /// The usual period: a VM that has used up its quota stands still for less than this.
    public static let usualPeriod = 100_000

    /// The nearest to a limit: exact to a microsecond in the period, which is longer than usual where the quota
    /// would be less than the kernel takes. Less than a thousandth of a CPU becomes that.
    public init(limit: CPUAmount) {
        var period = Self.usualPeriod
        func quota(_ period: Int) -> Int {
            // At most a million CPUs for a million microseconds: 10^18 fits.
            (Int(limit.microCPUs) * period + 500_000) / 1_000_000
        }
        while quota(period) < Self.shortest, period < Self.longestPeriod {
            period = min(period * 2, Self.longestPeriod)
        }
        self.period = period
        self.quota = max(quota(period), Self.shortest)
    }
}
