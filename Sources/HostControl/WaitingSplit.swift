/// Tells the time in which a machine's virtual CPUs waited for others from that in which its limit held them back.
///
/// A thread's waiting, as `schedstat` has it (`run_delay`), is all from when it could run until it does, whatever
/// kept it: throttling by CFS bandwidth control is in it (measured on Linux 6.1 and 6.18), and so in the time that
/// guests see as stolen. A group counts for each host CPU how long it was throttled there, threads ready to run
/// given; how many of them there were it does not say.
public struct WaitingSplit: Sendable {
    /// Throttled time of the interval before that no waiting has shown for yet: the kernel tells of throttling
    /// when it ends, of waiting only once the thread runs, which may be later.
    private var open: UInt64 = 0

    /// One that has seen nothing.
    public init() {}

    /// Divides what virtual CPUs waited in an interval; all times are nanoseconds in it.
    ///
    /// - Parameters:
    ///   - waited: `run_delay` of all virtual CPUs.
    ///   - throttled: what the group tells (`CPUUsage.limited`).
    ///   - ran: all virtual CPUs on a host CPU.
    ///   - elapsed: the interval's length.
    ///   - virtualCPUs: how many there are.
    ///   - processors: how many host CPUs they may be on.
    /// - Returns: the parts, which together are what they waited.
    public mutating func divide(
        waited: UInt64, throttled: UInt64, ran: UInt64, elapsed: UInt64, virtualCPUs: Int, processors: Int
    ) -> (ready: UInt64, limited: UInt64) {
        let held = Self.held(throttled, runnable(waited, ran, elapsed, virtualCPUs), processors)
        let (sum, overflow) = held.addingReportingOverflow(open)
        let limited = min(waited, overflow ? .max : sum)
        open = min((overflow ? .max : sum) - limited, held)
        return (waited - limited, limited)
    }

    /// How many virtual CPUs wanted to run on average.
    private func runnable(_ waited: UInt64, _ ran: UInt64, _ elapsed: UInt64, _ virtualCPUs: Int) -> Double {
        guard elapsed > 0 else { return 1 }
        return min((Double(waited) + Double(ran)) / Double(elapsed), Double(max(virtualCPUs, 1)))
    }

    /// A group's throttled time, as time of threads: where more want to run than there are host CPUs, several
    /// wait on each of them.
    private static func held(_ throttled: UInt64, _ runnable: Double, _ processors: Int) -> UInt64 {
        let each = runnable / Double(max(processors, 1))
        guard each > 1 else { return throttled }
        return UInt64(exactly: (Double(throttled) * each).rounded()) ?? .max
    }
}
