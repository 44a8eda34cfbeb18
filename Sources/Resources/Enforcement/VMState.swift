/// What the controller knows of one VM.
struct VMState: Sendable {
    let name: VMName
    /// In host CPUs.
    private(set) var entitlement = 0.0
    private(set) var atWorst = 0.0
    private(set) var limit: Double?
    private(set) var bandwidth: Bandwidth?
    /// Nanoseconds used since the tick before, and as a part of it in host CPUs.
    private(set) var used = 0.0
    private(set) var usedPart = 0.0
    /// Nanoseconds it would have used, had it been alone.
    private(set) var wanted = 0.0
    /// Nanoseconds it is behind.
    private(set) var lag = 0.0
    /// What it is set to.
    private(set) var setting = 0
    private var target: Double?
    private var usedBefore: UInt64
    private var cpusBefore: [EnforcementInput.VirtualCPU]
    /// What part of its time each virtual CPU wanted of late.
    private var wish: [Double]
    private var busy: [Bool]
    /// How many of them are busy.
    private(set) var busyCount = 0
    /// The plan's host CPU at which each was at home last; nil if it never was.
    private(set) var homes: [Int?]
    /// Nanoseconds each virtual CPU ran since the tick before.
    private var runs: [Double]

    init(_ machine: EnforcementInput.VM) {
        name = machine.name
        usedBefore = machine.used
        cpusBefore = machine.virtualCPUs
        wish = machine.virtualCPUs.map { _ in 0 }
        busy = machine.virtualCPUs.map { _ in false }
        runs = machine.virtualCPUs.map { _ in 0 }
        homes = machine.virtualCPUs.map { _ in nil }
    }

    var cpuCount: Int { busy.count }

    /// Nanoseconds a virtual CPU ran since the tick before.
    func run(of virtualCPU: Int) -> Double { runs.indices.contains(virtualCPU) ? runs[virtualCPU] : 0 }

    /// Whether a virtual CPU wants all it can get.
    func isBusy(_ virtualCPU: Int) -> Bool { busy[virtualCPU] }

    /// Remembers where the plan has a virtual CPU at home.
    mutating func setHome(_ home: Int, of virtualCPU: Int) {
        if homes[virtualCPU] != home { homes[virtualCPU] = home }
    }

    /// Takes in what was measured. Counters that went back belong to a group that was made again.
    mutating func measure(
        _ machine: EnforcementInput.VM, elapsed: Double, memory: Double
    ) {
        entitlement = Double(machine.entitlement.microCPUs) / 1e6
        atWorst = Double(machine.atWorst.microCPUs) / 1e6
        limit = machine.limit.map { Double($0.microCPUs) / 1e6 }
        bandwidth = machine.limit.map(Bandwidth.init(limit:))
        if machine.virtualCPUs.count != cpusBefore.count {
            cpusBefore = machine.virtualCPUs
            wish = machine.virtualCPUs.map { _ in 0 }
            busy = machine.virtualCPUs.map { _ in false }
            runs = machine.virtualCPUs.map { _ in 0 }
            homes = machine.virtualCPUs.map { _ in nil }
        }
        used = Self.difference(machine.used, usedBefore)
        usedPart = elapsed > 0 ? min(used / elapsed, Double(max(cpuCount, 1))) : 0
        usedBefore = machine.used
        wanted = 0
        busyCount = 0
        // The kernel counts waiting only once it is over, and running by its tick: one reading tells little.
        let news = elapsed > 0 ? elapsed / (elapsed + memory) : 0
        for index in machine.virtualCPUs.indices {
            let cpu = machine.virtualCPUs[index]
            let before = cpusBefore[index]
            runs[index] = Self.difference(cpu.run, before.run)
            let here = runs[index] + Self.difference(cpu.ready, before.ready)
            if elapsed > 0 { wish[index] += (min(here / elapsed, 4) - wish[index]) * news }
            // Let go only once it wants clearly less: a place that comes and goes would help nobody.
            busy[index] = wish[index] >= (busy[index] ? 0.5 : 0.85)
            if busy[index] { busyCount += 1 }
            wanted += busy[index] ? elapsed : min(here, elapsed)
            // One by one: the array is its owner's, who will change it in place.
            cpusBefore[index] = cpu
        }
        if let limit { wanted = min(wanted, limit * elapsed) }
    }

    private static func difference(_ now: UInt64, _ before: UInt64) -> Double {
        now >= before ? Double(now - before) : 0
    }

    /// Adds to the lag what was due less what was used; forgets it once the VM wants no more than it gets. (One
    /// that is busy may well have a host CPU to itself for a tick.)
    mutating func account(due: Double, _ tuning: EnforcementTuning) {
        guard busyCount > 0 || wanted > used * 1.02 else {
            lag /= 2
            return
        }
        let most = tuning.mostLag * max(entitlement, 0.02)
        lag = min(max(lag + due - used, -most), most)
    }

    /// Chooses the setting for a weight: corrected by the lag, and only changed where that matters.
    mutating func choose(
        _ weight: Double, _ right: Double, elapsed: Double, _ scale: WeightScale, _ tuning: EnforcementTuning
    ) {
        let isNew = target.map { abs($0 - weight) > weight * tuning.leastChange } ?? true
        let beyond = max(abs(lag) - tuning.grain, 0) * (lag < 0 ? -1 : 1)
        let due = max(right, 1e-3) * tuning.horizon
        let correction = beyond / due
        // Where ticks are long, what comes to less than a part of the scheduler's grain cannot be seen.
        let leastSeen = elapsed > Double(tuning.idleInterval) && right > 0 ? tuning.grain / 4 / due : 0
        let leastChange = max(tuning.leastChange, leastSeen)
        let wished = weight * (1 + min(max(correction, -tuning.authority), tuning.authority))
        switch scale {
        case .proportional:
            if isNew || abs(wished - scale.weight(of: setting)) > max(wished * leastChange, 0.5) {
                setting = scale.nearest(to: wished)
            }
        case .nice:
            let (lighter, heavier) = scale.neighbours(of: wished)
            // Between two steps, the heavier while it is behind, the lighter while it is ahead: dithering whose
            // mean is exact. Around zero what is in force stays, if it is one of the two.
            if isNew || abs(lag) > tuning.grain / 2 || (setting != lighter && setting != heavier) {
                setting = lag > 0 ? heavier : lighter
            }
        }
        if isNew { target = weight }
    }
}
