/// Makes VMs get what they are entitled to: from what was measured, what to set. Pure: the same measurements, the
/// same decisions.
///
/// It keeps for each VM a lag, what it should have had less what it used, whenever it wanted more than it got. Where
/// weights alone divide well (one host CPU, or host CPUs that can be filled evenly) it leaves them alone; it corrects
/// them by the lag where steps are coarse or the kernel is biased; and where VMs have to be split over host CPUs it
/// moves a few virtual CPUs by the lags of those that stay. It never takes away what nobody else wants: only limits
/// that users set become limits, and only virtual CPUs that want all they can get are held to a host CPU.
public struct Enforcer: Sendable {
    /// The mechanism's steps.
    public let scale: WeightScale
    /// How many host CPUs VMs may use.
    public let processors: Int
    /// Its constants.
    public let tuning: EnforcementTuning
    private var states: [VMName: VMState] = [:]
    private var placement: Placement
    /// A controller that has seen nothing yet.
    public init(scale: WeightScale, processors: Int, tuning: EnforcementTuning = EnforcementTuning()) {
        self.scale = scale
        self.processors = max(processors, 1)
        self.tuning = tuning
        placement = Placement(processors: self.processors)
    }

    /// Takes a measurement, and decides.
    public mutating func tick(_ input: EnforcementInput) -> EnforcementDecision {
        let machines = input.virtualMachines
        let elapsed = Double(input.elapsed)
        let memory = tuning.memory * max(1, Double(machines.count) / Double(4 * processors))
        var current: [VMState] = []
        for machine in machines {
            var state = states[machine.name] ?? VMState(machine)
            state.measure(machine, elapsed: elapsed, memory: memory)
            current.append(state)
        }
        account(&current, elapsed: elapsed)
        let rights = self.rights(current)
        placement.update(current, rights, elapsed: elapsed, tuning)
        let decision = decide(&current, rights)
        states = [:]
        for (machine, state) in zip(machines, current) { states[machine.name] = state }
        return decision
    }
}

extension Enforcer {
    /// Adds to the lags what each should have had of what all used.
    ///
    /// Only what VMs used counts: time that the rest of the host took is nobody's loss in particular.
    private func account(_ states: inout [VMState], elapsed: Double) {
        let used = states.map(\.used)
        let total = used.reduce(0, +)
        let wanted = states.map { max($0.wanted, $0.used) }
        let due = FairFilling.divide(total, weights: states.map(\.entitlement), most: wanted)
        for index in states.indices {
            states[index].account(due: due[index], tuning)
        }
    }

    /// What each VM should have of the host CPUs now, if the busy ones want all they can get.
    private func rights(_ states: [VMState]) -> [Double] {
        let busy = states.map { Double($0.busyCount) }
        let others = zip(states, busy).reduce(0) { $0 + ($1.1 == 0 ? $1.0.usedPart : 0) }
        return FairFilling.divide(
            max(Double(processors) - others, 0),
            weights: zip(states, busy).map { $1 > 0 ? $0.entitlement : 0 },
            most: zip(states, busy).map { min($1, $0.limit ?? $1) })
    }

    /// The weight of one that wants little, for when it wakes: with it it has its right at worst at once, although
    /// what it does not use now is all in the others' weights.
    private func wakingWeight(_ state: VMState) -> Double {
        guard state.busyCount == 0 else { return state.atWorst }
        let all = Double(processors)
        return state.atWorst * all / max(all - state.atWorst, all / 20)
    }

    private func decide(_ states: inout [VMState], _ rights: [Double]) -> EnforcementDecision {
        // In host CPUs.
        var weights = states.indices.map { max(rights[$0], wakingWeight(states[$0]), 1e-6) }
        var placements: [[Int?]] = states.map { [Int?](repeating: nil, count: $0.cpuCount) }
        if let plan = placement.plan {
            var planned = [Double](repeating: 0, count: states.count)
            for (index, member) in plan.members.enumerated() {
                planned[member.vm] += plan.weight(of: index)
                placements[member.vm][member.virtualCPU] = placement.processor(of: index)
            }
            for index in states.indices where planned[index] > 0 { weights[index] = planned[index] }
        }
        for (index, state) in states.enumerated() {
            if let limit = state.limit, rights[index] > 0, rights[index] >= 0.99 * limit {
                weights[index] *= tuning.limitedHeadroom
            }
        }
        if case .nice = scale {
            // A nice value is each thread's own, a group's weight all threads' together.
            for index in weights.indices { weights[index] /= Double(max(states[index].busyCount, 1)) }
        }
        // With room for corrections at the top.
        let unit = scale.unit(most: (weights.max() ?? 1) * (1 + tuning.authority), least: weights.min() ?? 1)
        var decided: [EnforcementDecision.VM] = []
        for index in states.indices {
            states[index].choose(weights[index] * unit, rights[index], scale, tuning)
            decided.append(
                .init(
                    name: states[index].name, weight: states[index].setting,
                    bandwidth: states[index].bandwidth,
                    placement: placements[index], lag: Int64(states[index].lag)))
        }
        return EnforcementDecision(virtualMachines: decided, wait: wait(states))
    }

    private func wait(_ states: [VMState]) -> UInt64 {
        let busy = states.reduce(0) { $0 + $1.busyCount }
        let usual =
            placement.plan?.hasSplits == true
            ? tuning.splitInterval : busy > processors ? tuning.busyInterval : tuning.idleInterval
        return max(usual, UInt64(max(states.count - tuning.fewMachines, 0)) * tuning.intervalForEach)
    }
}
