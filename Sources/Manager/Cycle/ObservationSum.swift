internal import Resources

/// Adds looks up until there are enough for a decision.
struct ObservationSum {
    /// In the order of names.
    private var parts: [Observation.VM] = []
    private var start: UInt64?

    /// Takes a look in. While the same VMs come in the same order, nothing is allocated but for a new sum.
    ///
    /// - Parameters:
    ///   - observation: its VMs in the order of their names, each once.
    ///   - interval: nanoseconds that a sum is of, at the least.
    /// - Returns: the sum, if it is complete; then the next one begins.
    mutating func add(_ observation: Observation, every interval: UInt64) -> Observation? {
        var place = 0
        for vm in observation.virtualMachines {
            while place < parts.count, parts[place].name != vm.name, parts[place].name < vm.name {
                place += 1
            }
            if place < parts.count, parts[place].name == vm.name {
                parts[place] = parts[place].adding(vm)
            } else {
                parts.insert(vm, at: place)
            }
            place += 1
        }
        let begun = start ?? observation.time
        start = begun
        guard observation.time &- begun >= interval else { return nil }
        let sum = Observation(time: observation.time, virtualMachines: parts)
        parts = []
        parts.reserveCapacity(sum.virtualMachines.count)
        start = observation.time
        return sum
    }
}

extension Observation.VM {
    /// This look and a later one.
    fileprivate func adding(_ next: Observation.VM) -> Observation.VM {
        Observation.VM(
            name: name, elapsed: elapsed &+ next.elapsed,
            times: CPUTimes(
                used: times.used &+ next.times.used, ready: times.ready &+ next.times.ready,
                limited: times.limited &+ next.times.limited))
    }
}
