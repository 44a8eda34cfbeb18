internal import HostControl
internal import HostSystem
internal import Resources

/// Carries decisions out: the controller of `Resources` and this host's mechanism.
struct Enforcement {
    private let mechanism: CPUMechanism
    private let processors: ProcessorSet
    /// Each of them by itself, in order.
    private let single: [ProcessorSet]
    private var controller: Enforcer
    /// The time of the measurement that was used last.
    private var last: UInt64?
    /// What goes to the controller, and for each part the machine's place. Empty but while a decision is carried out:
    /// kept for their memory.
    private var parts: [EnforcementInput.VM] = []
    private var places: [Int] = []

    init(mechanism: CPUMechanism, processors: ProcessorSet) {
        self.mechanism = mechanism
        self.processors = processors
        single = processors.numbers.map { ProcessorSet([$0]) }
        controller = Enforcer(
            scale: mechanism.scale, processors: max(processors.count, 1), holder: mechanism.holder)
    }

    /// Sets every machine as its entitlement and its use ask for. Nothing is allocated while the machines stay the
    /// same and nothing has to be changed.
    ///
    /// - Parameters:
    ///   - limits: of the decision's VMs, their own and their pools'.
    ///   - machines: in the order of names, as the decision's VMs are.
    ///   - time: that of the machines' latest measurement.
    ///   - outcome: is told of each machine what failed, or that nothing did.
    /// - Returns: nanoseconds to wait before the next look.
    mutating func run(
        _ decision: Decision, limits: PoolLimits, _ machines: [ManagedMachine],
        at time: UInt64, outcome: (ManagedMachine, HostControlError?) -> Void
    ) -> UInt64 {
        collect(decision, limits, machines)
        let elapsed = last.map { time > $0 ? time - $0 : 0 } ?? 0
        last = time
        let orders = controller.tick(EnforcementInput(elapsed: elapsed, virtualMachines: parts))
        // Nobody else may hold the machines' arrays when these are changed in place.
        parts.removeAll(keepingCapacity: true)
        for (index, order) in orders.virtualMachines.enumerated() {
            let machine = machines[places[index]]
            do {
                try carryOut(order, on: machine)
                outcome(machine, nil)
            } catch {
                if case .ended = error { continue }
                outcome(machine, error)
            }
        }
        return orders.wait
    }

    /// Brings together what is decided of each VM and what was measured of it. A decision may be older than a
    /// machine, or younger than its end.
    private mutating func collect(_ decision: Decision, _ limits: PoolLimits, _ machines: [ManagedMachine]) {
        places.removeAll(keepingCapacity: true)
        var next = 0
        for (index, vm) in decision.virtualMachines.enumerated() {
            while next < machines.count, machines[next].name != vm.name, machines[next].name < vm.name {
                next += 1
            }
            guard next < machines.count, machines[next].name == vm.name, let last = machines[next].last
            else { continue }
            parts.append(
                EnforcementInput.VM(
                    name: vm.name, entitlement: vm.entitlement, atWorst: vm.atWorst, limit: limits[index],
                    used: last.used, virtualCPUs: machines[next].threadTimes))
            places.append(next)
        }
    }

    private func carryOut(
        _ order: EnforcementDecision.VM, on machine: ManagedMachine
    ) throws(HostControlError) {
        if mechanism.weights != nil {
            // A pool may have a limit from a time when there was a mechanism that could keep it.
            let bandwidth = mechanism.canLimit ? order.bandwidth : nil
            try machine.apply(
                CPUSettings(
                    weight: order.weight,
                    limit: bandwidth.map { CPULimit(quota: $0.quota, period: $0.period) }))
        }
        try machine.place(order.placement, of: single, all: processors)
    }

    /// What a machine is set to, for people, as the kernel has it now and not as it was decided; nil if there is
    /// nothing to say.
    func description(of machine: ManagedMachine) -> String? {
        guard let mechanism = machine.mechanism else {
            return "Nothing is in force for it: it has no group yet."
        }
        guard let settings = machine.inForce else {
            return machine.remark.map { "Nothing is in force for it: \($0)." }
        }
        let weight =
            switch mechanism {
            case .cgroupV2: "cpu.weight is \(settings.weight)"
            case .cgroupV1: "cpu.shares is \(settings.weight)"
            case .sessions: "the nice value of its session is \(settings.weight)"
            case .nice, .none: "the nice value of its virtual CPUs' threads is \(settings.weight)"
            }
        let limit =
            settings.limit.map { "\($0.quota) of every \($0.period) microseconds" } ?? "no quota"
        let remark = machine.remark.map { " But \($0)." } ?? ""
        return "In force by \(mechanism): \(weight), \(limit).\(remark)"
    }
}

extension CPUMechanism {
    /// The steps in which it tells weights apart.
    fileprivate var scale: WeightScale {
        switch self {
        case .cgroupV2: .cgroupV2
        case .cgroupV1: .cgroupV1
        case .nice, .sessions: .nice(weights ?? 19...19)
        case .none: .nice(19...19)
        }
    }

    /// Who has a weight.
    fileprivate var holder: WeightHolder {
        switch self {
        case .cgroupV1, .cgroupV2, .sessions: .machine
        case .nice, .none: .eachThread
        }
    }
}
