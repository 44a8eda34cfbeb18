internal import HostSystem

extension HostCapabilities {
    /// The same host without control groups, for when they turn out not to be usable after all.
    public var withoutGroups: HostCapabilities {
        let lowest = ThreadScheduling.lowestNice()
        return HostCapabilities(
            mechanism: lowest < 19 ? .nice(lowest: lowest) : .none, remarks: remarks, processors: processors,
            capacity: capacity, pressureProblem: pressureProblem, places: .nowhere)
    }
}
