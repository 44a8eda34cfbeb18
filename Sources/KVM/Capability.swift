internal import CKVM

/// Something a kernel's KVM may or may not be able to do (`KVM_CAP_…`).
public struct Capability: Hashable, Sendable {
    /// The number `KVM_CHECK_EXTENSION` takes.
    public let number: Int32
    /// The kernel's name, without `KVM_CAP_`.
    public let name: String
    /// What it gives, for people.
    public let purpose: String
    /// Whether Roost refuses to start without it.
    public let isRequired: Bool

    private init(_ number: some BinaryInteger, _ name: String, _ purpose: String, required: Bool = false) {
        self.number = Int32(truncatingIfNeeded: number)
        self.name = name
        self.purpose = purpose
        isRequired = required
    }

    /// User memory as guest memory.
    public static let userMemory = Capability(
        KVM_CAP_USER_MEMORY, "USER_MEMORY", "guest memory in the process", required: true)
    /// An in-kernel local APIC with the I/O APIC left to the process.
    public static let splitInterruptController = Capability(
        KVM_CAP_SPLIT_IRQCHIP, "SPLIT_IRQCHIP", "local APICs in the kernel, I/O APIC outside", required: true)
    /// Interrupts sent as messages.
    public static let signalMSI = Capability(
        KVM_CAP_SIGNAL_MSI, "SIGNAL_MSI", "interrupts as messages", required: true)
    /// A run that returns at once.
    public static let immediateExit = Capability(
        KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT", "stopping a virtual CPU without a race", required: true)
    /// Processor features by table.
    public static let extendedCPUID = Capability(
        KVM_CAP_EXT_CPUID, "EXT_CPUID", "the features a guest's processor shows", required: true)
    /// Interrupts by descriptor.
    public static let interruptDescriptors = Capability(
        KVM_CAP_IRQFD, "IRQFD", "interrupts by descriptor", required: true)
    /// Doorbells by descriptor.
    public static let ioEventDescriptors = Capability(
        KVM_CAP_IOEVENTFD, "IOEVENTFD", "doorbells by descriptor", required: true)
    /// Interrupt routing tables.
    public static let interruptRouting = Capability(
        KVM_CAP_IRQ_ROUTING, "IRQ_ROUTING", "routing of interrupt lines", required: true)
    /// The virtual CPU's run state can be read and set.
    public static let multiprocessorState = Capability(
        KVM_CAP_MP_STATE, "MP_STATE", "starting and stopping processors", required: true)
    /// The recommended number of virtual CPUs; the value is the number.
    public static let recommendedVCPUs = Capability(
        KVM_CAP_NR_VCPUS, "NR_VCPUS", "recommended number of virtual CPUs")
    /// The greatest number of virtual CPUs; the value is the number.
    public static let maximumVCPUs = Capability(
        KVM_CAP_MAX_VCPUS, "MAX_VCPUS", "greatest number of virtual CPUs")
    /// The number of memory slots; the value is the number.
    public static let memorySlots = Capability(
        KVM_CAP_NR_MEMSLOTS, "NR_MEMSLOTS", "number of memory slots")
    /// The LAPIC timer by the time-stamp counter.
    public static let tscDeadlineTimer = Capability(
        KVM_CAP_TSC_DEADLINE_TIMER, "TSC_DEADLINE_TIMER", "guest timers without calibration")
    /// The time-stamp counter's frequency can be read.
    public static let getTSCFrequency = Capability(
        KVM_CAP_GET_TSC_KHZ, "GET_TSC_KHZ", "telling guests the clock's frequency")
    /// The time-stamp counter can be scaled.
    public static let tscScaling = Capability(
        KVM_CAP_TSC_CONTROL, "TSC_CONTROL", "scaling a guest's clock")
    /// Stolen time is told to guests.
    public static let stealTime = Capability(187, "STEAL_TIME", "telling guests the time stolen from them")
    /// Counters of the kernel, by descriptor.
    public static let binaryStatistics = Capability(
        KVM_CAP_BINARY_STATS_FD, "BINARY_STATS_FD", "the kernel's own counters of a machine")
    /// Dirty pages by log.
    public static let dirtyLogRing = Capability(
        KVM_CAP_DIRTY_LOG_RING, "DIRTY_LOG_RING", "seeing which pages a guest wrote")
    /// Emulation failures come out to the process.
    public static let exitOnEmulationFailure = Capability(
        KVM_CAP_EXIT_ON_EMULATION_FAILURE, "EXIT_ON_EMULATION_FAILURE",
        "naming an instruction that cannot be emulated")
    /// Breakpoints and single steps.
    public static let guestDebug = Capability(
        KVM_CAP_SET_GUEST_DEBUG, "SET_GUEST_DEBUG", "breakpoints and single steps")
    /// Read-only memory slots.
    public static let readOnlyMemory = Capability(
        KVM_CAP_READONLY_MEM, "READONLY_MEM", "memory a guest can only read")
    /// Exits for idle instructions can be switched off.
    public static let disableExits = Capability(
        KVM_CAP_X86_DISABLE_EXITS, "X86_DISABLE_EXITS", "guests that idle without leaving")
    /// Full in-kernel interrupt controllers.
    public static let interruptController = Capability(
        KVM_CAP_IRQCHIP, "IRQCHIP", "all interrupt controllers in the kernel")
    /// APIC identifiers of 32 bits.
    public static let x2APICInterface = Capability(
        KVM_CAP_X2APIC_API, "X2APIC_API", "more than 255 virtual CPUs")

    /// All that Roost knows of, required ones first.
    public static let all: [Capability] = [
        userMemory, splitInterruptController, signalMSI, immediateExit, extendedCPUID, interruptDescriptors,
        ioEventDescriptors, interruptRouting, multiprocessorState, recommendedVCPUs, maximumVCPUs,
        memorySlots,
        tscDeadlineTimer, getTSCFrequency, tscScaling, stealTime, binaryStatistics, dirtyLogRing,
        exitOnEmulationFailure, guestDebug, readOnlyMemory, disableExits, interruptController,
        x2APICInterface,
    ]

    /// What Roost cannot do without.
    public static let required: [Capability] = all.filter(\.isRequired)
}

/// Which capabilities a kernel has, and their values.
public struct CapabilitySet: Sendable {
    private var values: [Capability: Int] = [:]

    /// - Parameter value: what `KVM_CHECK_EXTENSION` answers, zero for an absent one.
    init(of capabilities: [Capability], value: (Capability) throws(KVMError) -> Int) throws(KVMError) {
        for capability in capabilities {
            values[capability] = try value(capability)
        }
    }

    /// The kernel's answer: zero for absent, otherwise one or the capability's number.
    public subscript(_ capability: Capability) -> Int { values[capability] ?? 0 }

    /// Whether the kernel has it.
    public func contains(_ capability: Capability) -> Bool { self[capability] > 0 }

    /// Those of `Capability.required` the kernel lacks.
    public var missing: [Capability] { Capability.required.filter { !contains($0) } }
}
