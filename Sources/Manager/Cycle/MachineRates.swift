internal import HostControl
internal import Resources

/// What a machine used, waited and was held back lately: an average over about a second, since the kernel tells of
/// waiting and throttling in lumps of up to their length.
struct MachineRates {
    /// Nanoseconds that an average is of, at the least.
    private static let span: UInt64 = 1_000_000_000

    /// A machine's totals at some time.
    struct Totals {
        var time: UInt64
        var used: UInt64
        var ran: UInt64
        var waited: UInt64
        var throttled: UInt64

        /// What was added since a time in the past; nothing of a total that went back, as when a group was made
        /// again.
        func since(_ past: Totals) -> Totals {
            func added(_ now: UInt64, _ before: UInt64) -> UInt64 { now > before ? now - before : 0 }
            return Totals(
                time: added(time, past.time), used: added(used, past.used), ran: added(ran, past.ran),
                waited: added(waited, past.waited), throttled: added(throttled, past.throttled))
        }
    }

    /// In processors.
    struct Averages {
        let used: CPUAmount
        let ready: CPUAmount
        let limited: CPUAmount
    }

    /// The latest; nil in the first second.
    private(set) var latest: Averages?
    private var start: Totals?
    private var split = WaitingSplit()

    /// Takes in what was measured.
    mutating func add(_ totals: Totals, virtualCPUs: Int, processors: Int) {
        guard let start else {
            self.start = totals
            return
        }
        let past = totals.since(start)
        guard past.time >= Self.span else { return }
        self.start = totals
        let parts = split.divide(
            past, elapsed: past.time, virtualCPUs: virtualCPUs, processors: processors)
        latest = Averages(
            used: .rate(past.used, past.time), ready: .rate(parts.ready, past.time),
            limited: .rate(parts.limited, past.time))
    }
}

extension WaitingSplit {
    /// Divides what virtual CPUs waited; never more than there was time for: one that was found just now brings
    /// what it did before.
    mutating func divide(
        _ past: MachineRates.Totals, elapsed: UInt64, virtualCPUs: Int, processors: Int
    ) -> (ready: UInt64, limited: UInt64) {
        let (product, overflow) = elapsed.multipliedReportingOverflow(by: UInt64(max(virtualCPUs, 1)))
        return divide(
            waited: min(past.waited, overflow ? .max : product), throttled: past.throttled, ran: past.ran,
            elapsed: elapsed, virtualCPUs: virtualCPUs, processors: processors)
    }
}

extension CPUAmount {
    /// So many nanoseconds of processor in so many nanoseconds.
    fileprivate static func rate(_ time: UInt64, _ elapsed: UInt64) -> CPUAmount {
        guard elapsed > 0 else { return .zero }
        let (product, overflow) = time.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .maximum : CPUAmount(clamping: Int64(clamping: product / elapsed))
    }
}
