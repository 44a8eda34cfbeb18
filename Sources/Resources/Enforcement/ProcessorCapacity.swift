/// What VMs get of each host CPU, learnt from what they used there; the rest of the host takes the remainder.
struct ProcessorCapacity: Sendable {
    /// In host CPUs, 0.05 to 1.
    private(set) var estimates: [Double]
    private var used: [Double]

    init(processors: Int) {
        estimates = [Double](repeating: 1, count: processors)
        used = [Double](repeating: 0, count: processors)
    }

    /// Counts what a placed virtual CPU used.
    mutating func count(_ nanoseconds: Double, on processor: Int) {
        if used.indices.contains(processor) { used[processor] += nanoseconds }
    }

    /// Learns from what was counted in the last tick, or forgets it if virtual CPUs were not placed, which says
    /// nothing.
    mutating func learn(elapsed: Double, memory: Double, arePlaced: Bool) {
        for index in used.indices {
            if arePlaced, elapsed > 0 {
                let news = elapsed / (elapsed + memory)
                estimates[index] += (min(max(used[index] / elapsed, 0.05), 1) - estimates[index]) * news
            }
            used[index] = 0
        }
    }

    /// Of all of them.
    var mean: Double { estimates.reduce(0, +) / Double(max(estimates.count, 1)) }
}
