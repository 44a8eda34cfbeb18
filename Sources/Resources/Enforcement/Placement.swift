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
    /// Whether an almost even filling has proved too uneven, so that something is split.
    private var isStrict = false

    init(processors: Int) {
        capacity = ProcessorCapacity(processors: processors)
    }

    /// Looks whether the plan still holds, makes another if not, and moves those that are split.
    mutating func update(
        _ states: [VMState], _ rights: [Double], elapsed: Double, _ tuning: EnforcementTuning
    ) {
        learn(states, elapsed: elapsed, tuning)
        var members: [ProcessorPlan.Member] = []
        for (index, state) in states.enumerated() {
            let busy = state.busyCPUs
            for cpu in busy {
                members.append(.init(vm: index, virtualCPU: cpu, right: rights[index] / Double(busy.count)))
            }
        }
        guard capacity.estimates.count > 1, members.count > capacity.estimates.count else {
            plan = nil
            isStrict = false
            return
        }
        age += elapsed
        if !isHolding(for: members, states, tuning) { make(members, tuning) }
        moveSplits(states, elapsed: elapsed, tuning)
        sinceTurn += elapsed
        // Each move has its price, and many that share a host CPU run too rarely to gain by more of them.
        if sinceTurn >= tuning.turnInterval * max(1, Double(members.count) / 8) {
            sinceTurn = 0
            turn = (turn + 1) % capacity.estimates.count
        }
    }

    /// The host CPU that a member of the plan is to be on.
    func processor(of member: Int) -> Int { (places[member] + turn) % capacity.estimates.count }

    private mutating func learn(_ states: [VMState], elapsed: Double, _ tuning: EnforcementTuning) {
        for (index, member) in (plan?.members ?? []).enumerated() where member.vm < states.count {
            capacity.count(states[member.vm].run(of: member.virtualCPU), on: processor(of: index))
        }
        capacity.learn(elapsed: elapsed, memory: tuning.capacityMemory, arePlaced: plan != nil)
    }

    private mutating func isHolding(
        for members: [ProcessorPlan.Member], _ states: [VMState], _ tuning: EnforcementTuning
    ) -> Bool {
        guard let plan, plan.isFor(members) else { return false }
        guard age > tuning.leastPlanAge else { return true }
        let behind = lags(plan, states)
        let apart = (behind.max() ?? 0) - (behind.min() ?? 0)
        if apart > tuning.splitThreshold, !plan.hasSplits {
            isStrict = true
            return false
        }
        return
            !(apart > tuning.splitThreshold
            && abs(capacity.mean - (plan.capacities.first ?? 1)) > tuning.capacityChange)
    }

    private mutating func make(_ members: [ProcessorPlan.Member], _ tuning: EnforcementTuning) {
        // Each of the plan's has its part of all.
        let capacities = [Double](repeating: capacity.mean, count: capacity.estimates.count)
        // What there is, by rights; nobody has more than a host CPU.
        let rights = FairFilling.divide(
            capacities.reduce(0, +), weights: members.map(\.right), most: members.map { _ in 1 })
        let next = ProcessorPlan(
            zip(members, rights).map { .init(vm: $0.vm, virtualCPU: $0.virtualCPU, right: $1) },
            capacities: capacities, tolerance: isStrict ? tuning.strictTolerance : tuning.tolerance)
        places = next.homes.map { $0 ?? 0 }
        plan = next
        age = 0
    }

    /// Sends those that are split where those at home are most ahead.
    private mutating func moveSplits(_ states: [VMState], elapsed: Double, _ tuning: EnforcementTuning) {
        guard let plan, plan.hasSplits else { return }
        var behind = lags(plan, states)
        for index in plan.homes.indices where plan.homes[index] == nil {
            let best = behind.indices.min { behind[$0] < behind[$1] } ?? 0
            // A move that gains less than the scheduler's grain is not worth its cost.
            if behind[places[index]] - behind[best] > tuning.grain / 2 { places[index] = best }
            behind[places[index]] += plan.members[index].right * elapsed
        }
    }

    /// How much those at home on each host CPU are behind.
    private func lags(_ plan: ProcessorPlan, _ states: [VMState]) -> [Double] {
        var behind = [Double](repeating: 0, count: plan.capacities.count)
        for (member, home) in zip(plan.members, plan.homes) where member.vm < states.count {
            guard let home else { continue }
            behind[home] += states[member.vm].lag / Double(max(states[member.vm].busyCount, 1))
        }
        return behind
    }
}
