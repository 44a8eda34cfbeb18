/// The whole policy for a host's CPUs, as a state machine: changes and observations in, decisions out.
///
/// A value without clock and without I/O. The same state and the same inputs give the same decisions on
/// every machine, so a journal of inputs can be replayed (`Replay`).
public struct CPUPolicy: Sendable, Equatable {
    /// Pools and running VMs.
    public private(set) var tree: ResourceTree
    /// What the host has for VMs.
    public private(set) var capacity: CPUAmount
    /// Over how long demand is averaged.
    public let spans: DemandSpans
    /// How many decisions there were.
    public private(set) var sequence: UInt64
    /// In the order of `tree.virtualMachines`.
    private(set) var estimators: [DemandEstimator]
    /// What each VM may have at worst, which no demand changes: worked out when it is needed first.
    private var worst: Entitlements?

    /// A policy that has seen nothing.
    public init(tree: ResourceTree = ResourceTree(), capacity: CPUAmount, spans: DemandSpans = .usual) {
        self.init(
            tree: tree, capacity: capacity, spans: spans, sequence: 0,
            estimators: Array(repeating: DemandEstimator(), count: tree.virtualMachines.count))
    }

    /// A policy that has seen something already.
    ///
    /// - Parameter estimators: as many as the tree has VMs.
    init(
        tree: ResourceTree, capacity: CPUAmount, spans: DemandSpans, sequence: UInt64,
        estimators: [DemandEstimator]
    ) {
        precondition(estimators.count == tree.virtualMachines.count)
        self.tree = tree
        self.capacity = capacity
        self.spans = spans
        self.sequence = sequence
        self.estimators = estimators
    }

    /// Makes a change, if reservations allow it (`ResourceTree.admit`). If it throws, nothing has changed.
    public mutating func apply(_ change: TreeChange) throws(ChangeError) {
        try tree.admit(change, capacity: capacity)
        worst = nil
        switch change {
        case .addVM(let entry):
            if let place = tree.index(of: entry.name) { estimators.insert(DemandEstimator(), at: place) }
        case .removeVM(let name):
            // The place where it was: all names before it are still there.
            estimators.remove(at: tree.virtualMachines.place { $0.name < name })
        case .addPool, .setPool, .removePool, .setVM, .moveVM:
            break
        }
    }

    /// Says that the host now has so much for VMs. It is a fact, not a wish: reservations may no longer be
    /// met, which decisions then say.
    public mutating func setCapacity(_ capacity: CPUAmount) {
        self.capacity = capacity
        worst = nil
    }

    /// What each VM would use, in the order of `tree.virtualMachines`. One that was never observed may want
    /// all it can use.
    public var demands: [CPUAmount] {
        zip(estimators, tree.virtualMachines).map { estimator, vm in estimator.demand ?? vm.settings.ceiling }
    }

    /// What each VM may have now.
    public var entitlements: Entitlements { divvy(tree, demands: demands, capacity: capacity) }

    /// What each VM may have when all want all they can use.
    public var entitlementsAtWorst: Entitlements { worst ?? divvyAtWorst(tree, capacity: capacity) }

    /// The estimate for a VM; nil if it is not in the tree or was never observed.
    public func demand(of name: VMName) -> CPUAmount? {
        tree.index(of: name).flatMap { estimators[$0].demand }
    }

    /// The long average of a VM's demand; nil if it is not in the tree or was never observed.
    public func trend(of name: VMName) -> CPUAmount? {
        tree.index(of: name).flatMap { estimators[$0].trend }
    }

    /// Why a VM may have what it may have now; nil if it is not in the tree.
    public func explain(_ name: VMName) -> Explanation? { entitlements.explain(name) }

    /// Learns what was observed, and decides. VMs that are not in the tree, or not any more, are passed over.
    public mutating func decide(_ observation: Observation) -> Decision {
        decideWithEntitlements(observation).decision
    }

    /// The same, with the entitlements of all members that the decision tells of, pools included.
    public mutating func decideWithEntitlements(
        _ observation: Observation
    ) -> (decision: Decision, entitlements: Entitlements) {
        for (number, seen) in observation.virtualMachines.enumerated() {
            guard let place = place(of: seen.name, expectedAt: number) else { continue }
            estimators[place].observe(
                seen.times, elapsed: seen.elapsed,
                virtualCPUs: tree.virtualMachines[place].settings.virtualCPUs, spans: spans)
        }
        sequence &+= 1
        let demands = demands
        let now = divvy(tree, demands: demands, capacity: capacity)
        let worst = entitlementsAtWorst
        self.worst = worst
        let decision = Decision(
            sequence: sequence, time: observation.time, capacity: capacity,
            reservationsAreMet: worst.reservationsAreMet,
            virtualMachines: tree.virtualMachines.indices.map { place in
                Decision.VM(
                    name: tree.virtualMachines[place].name, demand: demands[place], entitlement: now[place],
                    atWorst: worst[place])
            })
        return (decision, now)
    }

    /// The place of a VM in the tree; mostly an observation is in the tree's order.
    private func place(of name: VMName, expectedAt place: Int) -> Int? {
        let machines = tree.virtualMachines
        return place < machines.count && machines[place].name == name ? place : tree.index(of: name)
    }
}

extension CPUPolicy {
    /// By all that decisions are made of.
    public static func == (one: CPUPolicy, other: CPUPolicy) -> Bool {
        one.tree == other.tree && one.capacity == other.capacity && one.spans == other.spans
            && one.sequence == other.sequence && one.estimators == other.estimators
    }
}
