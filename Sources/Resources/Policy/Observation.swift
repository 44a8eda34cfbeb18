/// What was measured of all VMs.
public struct Observation: Hashable, Sendable {
    /// One VM's part.
    public struct VM: Hashable, Sendable {
        /// Who it is.
        public let name: VMName
        /// How long it was watched, in nanoseconds.
        public let elapsed: UInt64
        /// What it did in that time.
        public let times: CPUTimes

        /// A measurement.
        public init(name: VMName, elapsed: UInt64, times: CPUTimes) {
            self.name = name
            self.elapsed = elapsed
            self.times = times
        }
    }

    /// When, in nanoseconds of whatever clock the journal is by. No decision looks at it.
    public let time: UInt64
    /// The VMs, in any order; of one that comes twice every part counts.
    public let virtualMachines: [VM]

    /// A measurement.
    public init(time: UInt64, virtualMachines: [VM]) {
        self.time = time
        self.virtualMachines = virtualMachines
    }
}

/// What follows from an observation.
public struct Decision: Hashable, Sendable {
    /// One VM's part.
    public struct VM: Hashable, Sendable {
        /// Who it is.
        public let name: VMName
        /// What it would use, by estimate.
        public let demand: CPUAmount
        /// What it may have now.
        public let entitlement: CPUAmount
        /// What it may have if all want all they can use: the least it is always entitled to.
        public let atWorst: CPUAmount

        /// A part.
        public init(name: VMName, demand: CPUAmount, entitlement: CPUAmount, atWorst: CPUAmount) {
            self.name = name
            self.demand = demand
            self.entitlement = entitlement
            self.atWorst = atWorst
        }
    }

    /// The number of the decision, from 1.
    public let sequence: UInt64
    /// The observation's time.
    public let time: UInt64
    /// What was divided.
    public let capacity: CPUAmount
    /// Whether all reservations can be met.
    public let reservationsAreMet: Bool
    /// All VMs of the tree, in the order of their names.
    public let virtualMachines: [VM]

    /// A decision.
    public init(
        sequence: UInt64, time: UInt64, capacity: CPUAmount, reservationsAreMet: Bool, virtualMachines: [VM]
    ) {
        self.sequence = sequence
        self.time = time
        self.capacity = capacity
        self.reservationsAreMet = reservationsAreMet
        self.virtualMachines = virtualMachines
    }
}
