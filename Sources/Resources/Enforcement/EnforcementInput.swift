/// What is measured of all VMs at one tick, and what each should get.
public struct EnforcementInput: Sendable {
    /// A virtual CPU's thread, since it began.
    public struct VirtualCPU: Sendable, Hashable {
        /// Nanoseconds on a host CPU.
        public var run: UInt64
        /// Nanoseconds it could have run, but others did.
        public var ready: UInt64

        /// Both.
        public init(run: UInt64, ready: UInt64) {
            self.run = run
            self.ready = ready
        }
    }

    /// One VM's part.
    public struct VM: Sendable {
        /// Who it is.
        public let name: VMName
        /// What it should have now.
        public let entitlement: CPUAmount
        /// What it should have if all wanted all they can use: its weight while it wants little, so that it gets
        /// its right at once when it wakes.
        public let atWorst: CPUAmount
        /// What it never exceeds.
        public let limit: CPUAmount?
        /// Nanoseconds that all its threads have used.
        public let used: UInt64
        /// Its virtual CPUs, always in the same order.
        public let virtualCPUs: [VirtualCPU]

        /// A part.
        public init(
            name: VMName, entitlement: CPUAmount, atWorst: CPUAmount, limit: CPUAmount? = nil, used: UInt64,
            virtualCPUs: [VirtualCPU]
        ) {
            self.name = name
            self.entitlement = entitlement
            self.atWorst = atWorst
            self.limit = limit
            self.used = used
            self.virtualCPUs = virtualCPUs
        }
    }

    /// Nanoseconds since the tick before. Of the first tick it does not matter.
    public let elapsed: UInt64
    /// The VMs, in any order, each once.
    public let virtualMachines: [VM]

    /// A measurement.
    public init(elapsed: UInt64, virtualMachines: [VM]) {
        self.elapsed = elapsed
        self.virtualMachines = virtualMachines
    }
}

/// What VMs are to be set to.
public struct EnforcementDecision: Sendable, Equatable {
    /// One VM's part.
    public struct VM: Sendable, Equatable {
        /// Who it is.
        public let name: VMName
        /// A step of the scale the controller was made for.
        public var weight: Int
        /// Its limit, as the kernel takes it.
        public var bandwidth: Bandwidth?
        /// For each virtual CPU the host CPU it is to run on, counted from 0 among those VMs may use; nil where
        /// the kernel may choose.
        public var placement: [Int?]
        /// How much it is behind what it should have had (or, negative, ahead), in nanoseconds of processor time.
        public var lag: Int64
    }

    /// The VMs, in the order of the input.
    public let virtualMachines: [VM]
    /// How long to wait before the next tick, in nanoseconds.
    public let wait: UInt64
}
