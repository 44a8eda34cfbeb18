internal import HostControl
internal import HostSystem
internal import Resources

/// A machine that is looked after: its process, its group and its virtual CPUs' threads. On the loop's thread.
final class ManagedMachine {
    let name: VMName
    let process: Int32
    let virtualCPUs: Int
    /// The name of its group.
    private let groupName: String
    /// Holds the process, so that its number cannot come to mean another.
    private let handle: OtherProcess
    /// Nil while there is none: it could not be made, or has vanished.
    private var group: ControlledGroup?
    /// Nil before the threads run.
    private var accounting: VCPUAccounting?
    /// Told of the process's end.
    var registration: EventRegistration?
    /// Whether the machine was seen in the run directory, not only announced.
    var isRunning = false
    /// When what went wrong with it was last told, by the clock of measurements; nil: never.
    var lastTrouble: UInt64?
    /// What was measured last.
    private(set) var last: Sample?
    /// What it did in the second before that, about.
    var rates: MachineRates.Averages? { averages.latest }
    private var averages = MachineRates()
    private var split = WaitingSplit()
    /// Where its virtual CPUs are held; empty: not set since there were other threads.
    private var places: [Int?] = []
    /// Whether an earlier manager may have held its virtual CPUs to host CPUs: nobody knows where, then.
    var mayBeHeld = false

    /// Totals since some time in the past.
    struct Sample {
        var totals: MachineRates.Totals
        var virtualCPUs: [EnforcementInput.VirtualCPU]

        var used: UInt64 { totals.used }
    }

    /// - Throws: ESRCH if there is no such process.
    init(name: VMName, group groupName: String, process: Int32, virtualCPUs: Int) throws(SystemError) {
        handle = try OtherProcess(process)
        self.name = name
        self.groupName = groupName
        self.process = process
        self.virtualCPUs = virtualCPUs
        group = nil
        accounting = nil
    }

    /// A descriptor that becomes readable when the process ends.
    var endDescriptor: Int32 { handle.endDescriptor }

    /// Puts the process into a group of its own, if it is in none.
    func adopt(by control: borrowing CPUControl) throws(HostControlError) {
        guard group == nil else { return }
        group = try control.adopt(machine: groupName, process: process)
        last = nil
    }

    /// Measures, and says what happened since the time before; nil the first time.
    ///
    /// - Parameter processors: host CPUs that machines may use.
    func measure(at now: UInt64, processors: Int) throws(HostControlError) -> Observation.VM? {
        guard group != nil else { return nil }
        let areNew = try findThreads()
        let usage = try lookAtGroup()
        var sample = Sample(
            totals: .init(time: now, used: usage.used, ran: 0, waited: 0, throttled: usage.limited ?? 0),
            virtualCPUs: last?.virtualCPUs ?? [])
        // Threads' times change only while they run, and waiting counts when it is over. So one reading is
        // enough for a machine that sleeps.
        if areNew || last?.used != usage.used {
            sample.virtualCPUs.removeAll(keepingCapacity: true)
            try accounting?.read { _, times in
                sample.virtualCPUs.append(.init(run: times.run, ready: times.ready))
            }
        }
        for cpu in sample.virtualCPUs {
            sample.totals.ran &+= cpu.run
            sample.totals.waited &+= cpu.ready
        }
        defer { last = sample }
        averages.add(sample.totals, virtualCPUs: virtualCPUs, processors: processors)
        guard let last, now > last.totals.time else { return nil }
        let past = sample.totals.since(last.totals)
        let parts = split.divide(past, elapsed: past.time, virtualCPUs: virtualCPUs, processors: processors)
        return Observation.VM(
            name: name, elapsed: past.time,
            times: CPUTimes(used: past.used, ready: parts.ready, limited: parts.limited))
    }

    private func lookAtGroup() throws(HostControlError) -> CPUUsage {
        do {
            guard let usage = try group?.usage() else { return CPUUsage(used: 0) }
            return usage
        } catch {
            if case .vanished = error { group = nil }
            throw error
        }
    }

    /// The threads of virtual CPUs start some time after the process.
    ///
    /// - Returns: whether there are others than the time before.
    private func findThreads() throws(HostControlError) -> Bool {
        let before = accounting?.count ?? 0
        if accounting == nil {
            accounting = try VCPUAccounting(process: process)
        } else if before < virtualCPUs {
            try accounting?.lookForThreads()
        } else {
            return false
        }
        try group?.lookForThreads()
        guard accounting?.count != before else { return false }
        places = []
        return true
    }

    /// Sets the machine's weight and limit.
    func apply(_ settings: CPUSettings) throws(HostControlError) {
        do {
            try group?.apply(settings)
        } catch {
            if case .vanished = error { group = nil }
            throw error
        }
    }

    /// Holds virtual CPUs to host CPUs, in their order; nil lets one run on all. What is so already costs nothing.
    ///
    /// - Parameters:
    ///   - wished: indices of `numbers`.
    ///   - numbers: those of `all`, in order.
    func place(_ wished: [Int?], of numbers: [Int], all: ProcessorSet) throws(HostControlError) {
        guard wished != places else { return }
        places = []
        if mayBeHeld {
            try accounting?.letGo()
            mayBeHeld = false
        }
        for (index, place) in wished.enumerated() {
            let set = place.flatMap { numbers.indices.contains($0) ? ProcessorSet([numbers[$0]]) : nil }
            try accounting?.place(index, on: set, all: all)
        }
        places = wished
    }

    /// Removes the group.
    ///
    /// - Returns: false if something is still in it, as when its process only begins to end, or if it is not known
    ///   whether there is one, as when the process could not be put into it: sweep later.
    func release() throws(HostControlError) -> Bool {
        try group.take()?.release() ?? false
    }
}
