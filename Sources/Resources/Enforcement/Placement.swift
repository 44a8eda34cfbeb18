/// Which host CPU each busy virtual CPU is on.
///
/// The plan's host CPUs are no particular ones: every now and then all virtual CPUs go one host CPU further
/// together, so that each has its part of every one of them. For an hour of one is not worth an hour of another:
/// the rest of the host takes more of one, and its neighbour on the same core, which no clock shows, slows it.
struct Placement: Sendable {
    /// nil while the kernel may choose.
    private(set) var plan: ProcessorPlan?
    /// The plan's host CPU of each of its members.
    private var places: [Int] = []
    /// By how many the plan's host CPUs are turned against those there are.
    private var turn = 0
    /// Nanoseconds since the last turn.
    private var sinceTurn = 0.0
    private var capacity: ProcessorCapacity
    /// Nanoseconds since the plan was made.
    private var age = 0.0
    /// The busy virtual CPUs, in order, with the rights they have now.
    private var members: [ProcessorPlan.Member] = []
    /// Those that the plan was made for.
    private var planned: [ProcessorPlan.Member] = []
    /// How much those at home on each host CPU are behind, while that is looked at.
    private var behind: [Double]
    /// Whether an almost even filling has proved too uneven, so that something is split.
    private var isStrict = false

    init(processors: Int) {
        capacity = ProcessorCapacity(processors: processors)
        behind = [Double](repeating: 0, count: processors)
    }

    /// Looks whether the plan still holds, makes another if not, and moves those that are split.
    mutating func update(
        _ states: inout [VMState], _ rights: [Double], elapsed: Double, _ tuning: EnforcementTuning
    ) {
        learn(states, elapsed: elapsed, tuning)
        members.removeAll(keepingCapacity: true)
        for index in states.indices where states[index].busyCount > 0 {
            let right = rights[index] / Double(states[index].busyCount)
            for cpu in 0..<states[index].cpuCount where states[index].isBusy(cpu) {
                members.append(
                    .init(vm: index, virtualCPU: cpu, right: right, before: states[index].homes[cpu]))
            }
        }
        guard capacity.estimates.count > 1, members.count > capacity.estimates.count else {
            plan = nil
            isStrict = false
            return
        }
        age += elapsed
        if !isHolding(states, tuning) { make(&states, tuning) }
        moveSplits(states, elapsed: elapsed, tuning)
        sinceTurn += elapsed
        // Each move has its price, and many that share a host CPU run too rarely to gain by more of them.
        let many = Double(members.count)
        if sinceTurn >= tuning.turnInterval * max(1, many / 8, many * many / 256) {
            sinceTurn = 0
            turn = (turn + 1) % capacity.estimates.count
        }
    }

    /// The host CPU that a member of the plan is to be on.
    func processor(of member: Int) -> Int { (places[member] + turn) % capacity.estimates.count }

    private mutating func learn(_ states: [VMState], elapsed: Double, _ tuning: EnforcementTuning) {
        if let plan {
            for (index, member) in plan.members.enumerated() where member.vm < states.count {
                capacity.count(states[member.vm].run(of: member.virtualCPU), on: processor(of: index))
            }
        }
        capacity.learn(elapsed: elapsed, memory: tuning.capacityMemory, arePlaced: plan != nil)
    }

    /// Whether the plan is for the same virtual CPUs with all but the same rights as now.
    private var isForMembers: Bool {
        guard members.count == planned.count else { return false }
        return members.indices.allSatisfy { index in
            let (now, before) = (members[index], planned[index])
            return now.vm == before.vm && now.virtualCPU == before.virtualCPU
                && abs(now.right - before.right) <= 0.02 * before.right
        }
    }

    private mutating func isHolding(_ states: [VMState], _ tuning: EnforcementTuning) -> Bool {
        guard let plan, isForMembers else { return false }
        guard age > tuning.leastPlanAge else { return true }
        findLags(plan, states)
        let apart = (behind.max() ?? 0) - (behind.min() ?? 0)
        if apart > tuning.splitThreshold, !plan.hasSplits {
            isStrict = true
            return false
        }
        return
            !(apart > tuning.splitThreshold
            && abs(capacity.mean - (plan.capacities.first ?? 1)) > tuning.capacityChange)
    }

    private mutating func make(_ states: inout [VMState], _ tuning: EnforcementTuning) {
        // Each of the plan's has its part of all.
        let capacities = [Double](repeating: capacity.mean, count: capacity.estimates.count)
        // What there is, by rights; nobody has more than a host CPU.
        let rights = FairFilling.divide(
            capacities.reduce(0, +), weights: members.map(\.right), most: members.map { _ in 1 })
        let next = ProcessorPlan(
            zip(members, rights).map {
                .init(vm: $0.vm, virtualCPU: $0.virtualCPU, right: $1, before: $0.before)
            },
            capacities: capacities, tolerance: isStrict ? tuning.strictTolerance : tuning.tolerance)
        places = next.homes.map { $0 ?? 0 }
        for (member, home) in zip(next.members, next.homes) {
            if let home { states[member.vm].setHome(home, of: member.virtualCPU) }
        }
        planned.removeAll(keepingCapacity: true)
        planned.append(contentsOf: members)
        plan = next
        age = 0
    }

    /// Sends those that are split where those at home are most ahead.
    private mutating func moveSplits(_ states: [VMState], elapsed: Double, _ tuning: EnforcementTuning) {
        guard let plan, plan.hasSplits else { return }
        findLags(plan, states)
        for index in plan.homes.indices where plan.homes[index] == nil {
            let best = behind.indices.min { behind[$0] < behind[$1] } ?? 0
            // A move that gains less than the scheduler's grain is not worth its cost.
            if behind[places[index]] - behind[best] > tuning.grain / 2 { places[index] = best }
            behind[places[index]] += plan.members[index].right * elapsed
        }
    }

    /// Finds how much those at home on each host CPU are behind.
    private mutating func findLags(_ plan: ProcessorPlan, _ states: [VMState]) {
        for processor in behind.indices { behind[processor] = 0 }
        for index in plan.members.indices where plan.members[index].vm < states.count {
            guard let home = plan.homes[index] else { continue }
            let state = plan.members[index].vm
            behind[home] += states[state].lag / Double(max(states[state].busyCount, 1))
        }
    }
}
