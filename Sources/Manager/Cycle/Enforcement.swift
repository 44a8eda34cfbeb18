internal import HostControl
internal import HostSystem
internal import Resources

/// Carries decisions out: the controller of `Resources` and this host's mechanism.
struct Enforcement {
    private let mechanism: CPUMechanism
    private let processors: ProcessorSet
    private let numbers: [Int]
    private var controller: Enforcer
    /// The time of the measurement that was used last.
    private var last: UInt64?
    private var settings: [VMName: CPUSettings] = [:]

    init(mechanism: CPUMechanism, processors: ProcessorSet) {
        self.mechanism = mechanism
        self.processors = processors
        numbers = processors.numbers
        controller = Enforcer(scale: mechanism.scale, processors: max(processors.count, 1))
    }

    /// Sets every machine as its entitlement and its use ask for.
    ///
    /// - Parameters:
    ///   - limits: of each VM, its own and its pools'.
    ///   - time: that of the machines' latest measurement.
    ///   - trouble: is told what failed with which machine.
    /// - Returns: nanoseconds to wait before the next look.
    mutating func run(
        _ decision: Decision, limits: [VMName: CPUAmount], _ machines: [VMName: ManagedMachine],
        at time: UInt64, trouble: (ManagedMachine, HostControlError) -> Void
    ) -> UInt64 {
        var parts: [EnforcementInput.VM] = []
        parts.reserveCapacity(decision.virtualMachines.count)
        for vm in decision.virtualMachines {
            guard let sample = machines[vm.name]?.last else { continue }
            parts.append(
                EnforcementInput.VM(
                    name: vm.name, entitlement: vm.entitlement, atWorst: vm.atWorst, limit: limits[vm.name],
                    used: sample.used, virtualCPUs: sample.virtualCPUs))
        }
        let elapsed = last.map { time > $0 ? time - $0 : 0 } ?? 0
        last = time
        let orders = controller.tick(EnforcementInput(elapsed: elapsed, virtualMachines: parts))
        var next: [VMName: CPUSettings] = [:]
        for order in orders.virtualMachines {
            guard let machine = machines[order.name] else { continue }
            do {
                if mechanism.weights != nil {
                    // A pool may have a limit from a time when there was a mechanism that could keep it.
                    let bandwidth = mechanism.canLimit ? order.bandwidth : nil
                    let settings = CPUSettings(
                        weight: order.weight,
                        limit: bandwidth.map { CPULimit(quota: $0.quota, period: $0.period) })
                    try machine.apply(settings)
                    next[order.name] = settings
                }
                try machine.place(order.placement, of: numbers, all: processors)
            } catch {
                if case .ended = error { continue }
                trouble(machine, error)
            }
        }
        settings = next
        return orders.wait
    }

    /// What a machine is set to, for people; nil if it is set to nothing.
    func description(of name: VMName) -> String? {
        guard let settings = settings[name] else { return nil }
        let weight =
            switch mechanism {
            case .cgroupV2: "cpu.weight is \(settings.weight)"
            case .cgroupV1: "cpu.shares is \(settings.weight)"
            case .nice, .none: "the nice value of its virtual CPUs' threads is \(settings.weight)"
            }
        let limit =
            settings.limit.map { "\($0.quota) of every \($0.period) microseconds" } ?? "no quota"
        return "In force by \(mechanism): \(weight), \(limit)."
    }
}

extension CPUMechanism {
    /// The steps in which it tells weights apart.
    fileprivate var scale: WeightScale {
        switch self {
        case .cgroupV2: .cgroupV2
        case .cgroupV1: .cgroupV1
        case .nice(let lowest): .nice(min(max(lowest, -20), 19)...19)
        case .none: .nice(19...19)
        }
    }
}
