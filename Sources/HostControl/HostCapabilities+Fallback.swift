extension HostCapabilities {
    /// The same host without control groups, for when they turn out not to be usable after all.
    public func withoutGroups(_ files: HostFiles = HostFiles()) -> HostCapabilities {
        let found = Self.discover(files, choice: .niceValues)
        return HostCapabilities(
            mechanism: found.mechanism, remarks: remarks + found.remarks.dropFirst(), processors: processors,
            capacity: capacity, pressureProblem: pressureProblem, places: .nowhere, departures: departures)
    }
}
