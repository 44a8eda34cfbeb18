/// Makes VMs get what they are entitled to: from what was measured, what to set. Pure: the same measurements, the
/// same decisions.
///
/// It keeps for each VM a lag, what it should have had less what it used, whenever it wanted more than it got. Where
/// weights alone divide well (one host CPU, or host CPUs that can be filled evenly) it leaves them alone; it corrects
/// them by the lag where steps are coarse or the kernel is biased; and where VMs have to be split over host CPUs it
/// moves a few virtual CPUs by the lags of those that stay. It never takes away what nobody else wants: only limits
/// that users set become limits, and only virtual CPUs that want all they can get are held to a host CPU.
///
/// While the same VMs come in the same order a tick allocates nothing, unless it makes another plan or who took the
/// decision before still holds it.
public struct Enforcer: Sendable {
    /// The mechanism's steps.
    public let scale: WeightScale
    /// How many host CPUs VMs may use.
    public let processors: Int
    /// Who has a weight.
    public let holder: WeightHolder
    /// Its constants.
    public let tuning: EnforcementTuning
    /// In the order of the latest input, as are `orders` and all of `work`.
    private var states: [VMState] = []
    private var orders: [EnforcementDecision.VM] = []
    private var placement: Placement
    private var work = Work()

    /// Arrays that are kept from tick to tick for their memory alone.
    private struct Work: Sendable {
        var weights: [Double] = []
        var most: [Double] = []
        var due: [Double] = []
        /// What each VM should have of the host CPUs now, if the busy ones want all they can get.
        var rights: [Double] = []
        /// What a plan gives the weight of each VM; zero where it says nothing.
        var planned: [Double] = []

        mutating func resize(to count: Int) {
            for path in [\Work.weights, \.most, \.due, \.rights, \.planned] {
                self[keyPath: path] = [Double](repeating: 0, count: count)
            }
        }
    }

    /// A controller that has seen nothing yet.
    ///
    /// - Parameter holder: who has a weight; nil for what is usual with the scale: each thread a nice value, else each
    ///   machine.
    public init(
        scale: WeightScale, processors: Int, holder: WeightHolder? = nil,
        tuning: EnforcementTuning = EnforcementTuning()
    ) {
        self.scale = scale
        if case .nice = scale {
            self.holder = holder ?? .eachThread
        } else {
            self.holder = holder ?? .machine
        }
        self.processors = max(processors, 1)
        self.tuning = tuning
        placement = Placement(processors: self.processors)
    }

    /// Takes a measurement, and decides.
    public mutating func tick(_ input: EnforcementInput) -> EnforcementDecision {
        let elapsed = Double(input.elapsed)
        let count = input.virtualMachines.count
        let memory = tuning.memory * max(1, Double(count) / Double(4 * processors))
        if !isKnown(input.virtualMachines) { meet(input.virtualMachines) }
        for index in states.indices {
            states[index].measure(input.virtualMachines[index], elapsed: elapsed, memory: memory)
        }
        account(elapsed: elapsed)
        findRights()
        placement.update(&states, work.rights, elapsed: elapsed, tuning)
        decide(elapsed: elapsed)
        return EnforcementDecision(virtualMachines: orders, wait: wait)
    }

    /// Whether the VMs are those of the tick before, in the same order.
    private func isKnown(_ machines: [EnforcementInput.VM]) -> Bool {
        guard machines.count == states.count else { return false }
        return machines.indices.allSatisfy { machines[$0].name == states[$0].name }
    }

    /// Brings what is known into another order, with those that are new and without those that are gone.
    private mutating func meet(_ machines: [EnforcementInput.VM]) {
        var known: [VMName: VMState] = [:]
        for state in states { known[state.name] = state }
        states = machines.map { known[$0.name] ?? VMState($0) }
        orders = machines.map {
            EnforcementDecision.VM(name: $0.name, weight: 0, bandwidth: nil, placement: [], lag: 0)
        }
        work.resize(to: machines.count)
    }
}

extension Enforcer {
    /// Adds to the lags what each should have had of what all used.
    ///
    /// Only what VMs used counts: time that the rest of the host took is nobody's loss in particular.
    private mutating func account(elapsed: Double) {
        var total = 0.0
        for index in states.indices {
            total += states[index].used
            work.weights[index] = states[index].entitlement
            work.most[index] = max(states[index].wanted, states[index].used)
        }
        FairFilling.divide(total, weights: work.weights, most: work.most, into: &work.due)
        for index in states.indices { states[index].account(due: work.due[index], tuning) }
    }

    private mutating func findRights() {
        var others = 0.0
        for index in states.indices {
            let busy = Double(states[index].busyCount)
            if busy == 0 { others += states[index].usedPart }
            work.weights[index] = busy > 0 ? states[index].entitlement : 0
            work.most[index] = min(busy, states[index].limit ?? busy)
        }
        FairFilling.divide(
            max(Double(processors) - others, 0), weights: work.weights, most: work.most, into: &work.rights)
    }

    /// The weight of one that wants little, for when it wakes: with it it has its right at worst at once, although
    /// what it does not use now is all in the others' weights.
    private func wakingWeight(_ state: VMState) -> Double {
        guard state.busyCount == 0 else { return state.atWorst }
        let all = Double(processors)
        return state.atWorst * all / max(all - state.atWorst, all / 20)
    }

    private mutating func decide(elapsed: Double) {
        takePlan()
        var heaviest = 0.0
        var lightest = Double.infinity
        for index in states.indices {
            let right = work.rights[index]
            // In host CPUs.
            var weight = work.planned[index]
            if weight <= 0 { weight = max(right, wakingWeight(states[index]), 1e-6) }
            if let limit = states[index].limit, right > 0, right >= 0.99 * limit {
                weight *= tuning.limitedHeadroom
            }
            // Such a weight is each thread's own, a group's all threads' together.
            if holder == .eachThread { weight /= Double(max(states[index].busyCount, 1)) }
            work.weights[index] = weight
            heaviest = max(heaviest, weight)
            lightest = min(lightest, weight)
        }
        if states.isEmpty { (heaviest, lightest) = (1, 1) }
        // With room for corrections at the top.
        let unit = scale.unit(most: heaviest * (1 + tuning.authority), least: lightest)
        for index in states.indices {
            states[index].choose(
                work.weights[index] * unit, work.rights[index], elapsed: elapsed, scale, tuning)
            orders[index].weight = states[index].setting
            orders[index].bandwidth = states[index].bandwidth
            orders[index].lag = Int64(states[index].lag)
        }
    }

    /// Takes weights and places over from the plan, if there is one.
    private mutating func takePlan() {
        for index in states.indices {
            work.planned[index] = 0
            let count = states[index].cpuCount
            if orders[index].placement.count != count {
                orders[index].placement = [Int?](repeating: nil, count: count)
            }
        }
        let plan = placement.plan
        for index in states.indices {
            // Who is busy has a place in the plan, if there is one.
            for cpu in orders[index].placement.indices where plan == nil || !states[index].isBusy(cpu) {
                if orders[index].placement[cpu] != nil { orders[index].placement[cpu] = nil }
            }
        }
        guard let plan else { return }
        for (index, member) in plan.members.enumerated() {
            work.planned[member.vm] += plan.weight(of: index)
            let place = placement.processor(of: index)
            if orders[member.vm].placement[member.virtualCPU] != place {
                orders[member.vm].placement[member.virtualCPU] = place
            }
        }
    }

    private var wait: UInt64 {
        let busy = states.reduce(0) { $0 + $1.busyCount }
        let usual =
            placement.plan?.hasSplits == true
            ? tuning.splitInterval : busy > processors ? tuning.busyInterval : tuning.idleInterval
        return max(usual, UInt64(max(states.count - tuning.fewMachines, 0)) * tuning.intervalForEach)
    }
}
