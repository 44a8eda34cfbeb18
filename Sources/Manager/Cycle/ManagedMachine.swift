internal import Glibc
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
    /// The process itself, whatever its number means by now.
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
    /// The remark on it that was told last.
    var toldRemark: String?
    /// Totals as they were measured last; nil before that.
    private(set) var last: MachineRates.Totals?
    /// What each virtual CPU's thread did, as it was measured last. Changed in place.
    private(set) var threadTimes: [EnforcementInput.VirtualCPU] = []
    /// What it did in the second before that, about.
    var rates: MachineRates.Averages? { averages.latest }
    private var averages = MachineRates()
    private var split = WaitingSplit()
    /// Where its virtual CPUs are held; empty: not set since there were other threads.
    private var places: [Int?] = []
    /// Whether virtual CPUs are held to host CPUs, or were: by this manager, or maybe by an earlier one, nobody knows
    /// where.
    private var isHeld = false
    /// The same of an earlier manager, until what it did is undone.
    var mayBeHeld = false
    /// When threads were first and last looked for, while not all are there.
    private var search: (first: UInt64, last: UInt64)?

    /// - Parameter handle: of the process of that number: who made it has seen that it is the right one.
    init(
        name: VMName, group groupName: String, handle: consuming OtherProcess, process: Int32,
        virtualCPUs: Int
    ) {
        self.handle = handle
        self.name = name
        self.groupName = groupName
        self.process = process
        self.virtualCPUs = virtualCPUs
        group = nil
        accounting = nil
    }

    /// A descriptor that becomes readable when the process ends.
    var endDescriptor: Int32 { handle.endDescriptor }

    /// Sees that the process lives, so that its number means it and nobody else. Before each call that goes by numbers:
    /// its end is told by the loop, which may be behind.
    ///
    /// Between this and the call the process would have to end, to be waited for, and all numbers to go round.
    private func checkProcess() throws(HostControlError) {
        guard handle.hasEnded else { return }
        throw .ended(SystemError("find process \(process)", number: ESRCH))
    }

    /// Puts the process into a group of its own, if it is in none.
    func adopt(by control: borrowing CPUControl) throws(HostControlError) {
        guard group == nil else { return }
        try checkProcess()
        group = try control.adopt(machine: groupName, process: process)
        last = nil
    }

    /// Measures, and says what happened since the time before; nil the first time. It allocates nothing while the
    /// threads stay the same.
    ///
    /// - Parameter processors: host CPUs that machines may use.
    func measure(at now: UInt64, processors: Int) throws(HostControlError) -> Observation.VM? {
        guard group != nil else { return nil }
        let areNew = try findThreads(at: now)
        let usage = try lookAtGroup()
        // Threads' times change only while they run, and waiting counts when it is over. So one reading is
        // enough for a machine that sleeps.
        if areNew || last?.used != usage.used { try readThreads() }
        var totals = MachineRates.Totals(
            time: now, used: usage.used, ran: 0, waited: 0, throttled: usage.limited ?? 0)
        for cpu in threadTimes {
            totals.ran &+= cpu.run
            totals.waited &+= cpu.ready
        }
        defer { last = totals }
        averages.add(totals, virtualCPUs: virtualCPUs, processors: processors)
        guard let last, now > last.time else { return nil }
        let past = totals.since(last)
        let parts = split.divide(past, elapsed: past.time, virtualCPUs: virtualCPUs, processors: processors)
        return Observation.VM(
            name: name, elapsed: past.time,
            times: CPUTimes(used: past.used, ready: parts.ready, limited: parts.limited))
    }

    private func readThreads() throws(HostControlError) {
        try accounting?.read { index, times in
            let cpu = EnforcementInput.VirtualCPU(run: times.run, ready: times.ready)
            if index < threadTimes.count { threadTimes[index] = cpu } else { threadTimes.append(cpu) }
        }
        let count = accounting?.count ?? 0
        if threadTimes.count > count { threadTimes.removeSubrange(count...) }
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

    /// Nanoseconds for which threads are looked for at each look, and then between two looks for them.
    private static let searchTime: UInt64 = 2_000_000_000
    private static let searchInterval: UInt64 = 1_000_000_000

    /// The threads of virtual CPUs start some time after the process.
    ///
    /// - Returns: whether there are others than the time before.
    private func findThreads(at now: UInt64) throws(HostControlError) -> Bool {
        let before = accounting?.count ?? 0
        guard accounting == nil || before < virtualCPUs else { return false }
        let begun = search?.first ?? now
        if let last = search?.last, now &- begun > Self.searchTime, now &- last < Self.searchInterval {
            return false
        }
        search = (begun, now)
        try checkProcess()
        if accounting == nil {
            accounting = try VCPUAccounting(process: process)
        } else {
            try accounting?.lookForThreads()
        }
        guard accounting?.count != before else { return false }
        // Only for new ones: what is in force is all written anew.
        try group?.lookForThreads()
        places.removeAll(keepingCapacity: true)
        return true
    }

    /// How it is divided; nil while it is not taken in.
    var mechanism: CPUMechanism? { group?.mechanism }
    /// What it is set to in the kernel; nil if to nothing.
    var inForce: CPUSettings? { group?.applied ?? nil }
    /// Why it is not divided as others are, a clause about it; nil if it is.
    var remark: String? { group?.remark ?? nil }

    /// Whether others are divided and it is not.
    var isLeftOut: Bool { group?.isLeftOut ?? false }

    /// Looks whether what `remark` says is so still.
    func lookAround() throws(HostControlError) {
        try group?.lookAround()
    }

    /// Sets the machine's weight and limit, as far as it is taken in (`inForce`). What is so already costs nothing.
    func apply(_ settings: CPUSettings) throws(HostControlError) {
        guard group?.applied != settings else { return }
        try checkProcess()
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
    ///   - wished: indices of `sets`.
    ///   - sets: each of `all` by itself, in order.
    func place(
        _ wished: [Int?], of sets: [ProcessorSet], all: ProcessorSet
    ) throws(HostControlError) {
        guard wished != places else { return }
        try checkProcess()
        if mayBeHeld { try letGo() }
        do {
            for index in wished.indices {
                let place = wished[index].flatMap { sets.indices.contains($0) ? $0 : nil }
                if place != nil { isHeld = true }
                try accounting?.place(index, on: place.map { sets[$0] }, all: all)
                // One by one: the array is its owner's, who will change it in place.
                if index < places.count {
                    places[index] = wished[index]
                } else {
                    places.append(wished[index])
                }
            }
            if places.count > wished.count { places.removeSubrange(wished.count...) }
        } catch {
            places.removeAll(keepingCapacity: true)
            throw error
        }
    }

    /// Lets its virtual CPUs run wherever the rest of its process may, if they may have been held anywhere.
    func letGo() throws(HostControlError) {
        guard isHeld || mayBeHeld else { return }
        try checkProcess()
        places.removeAll(keepingCapacity: true)
        try accounting?.letGo()
        isHeld = false
        mayBeHeld = false
    }

    /// Removes the group.
    ///
    /// - Returns: false if something is still in it, as when its process only begins to end, or if it is not known
    ///   whether there is one, as when the process could not be put into it: sweep later.
    func release() throws(HostControlError) -> Bool {
        try group.take()?.release() ?? false
    }
}
