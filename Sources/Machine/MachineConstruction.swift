internal import Boot
internal import GuestMemory
internal import HostSystem
internal import KVM
internal import Specification
internal import X86

/// The steps from a specification to a machine that only has to be started.
///
/// The order is that of least waiting: memory first, so that devices can be made meanwhile; memory slots before
/// anything that hangs on KVM's buses, local APICs in the kernel and nothing else. What KVM knows of the
/// processor is asked on a thread of its own: under another hypervisor each CPUID instruction is trapped, and
/// the table takes longer than all else.
struct MachineConstruction {
    let memory: PhysicalMemory
    private let hypervisor: SharedHypervisor
    private let supportedFeatures: ParallelWork<SupportedFeatures>
    private let spec: MachineSpec

    /// KVM's table of processor features, or why there is none.
    private enum SupportedFeatures: Sendable {
        case known([CPUIDLeaf])
        case unknown(KVMError)

        init(of hypervisor: borrowing Hypervisor) {
            do throws(KVMError) {
                self = .known(try hypervisor.supportedCPUID())
            } catch {
                self = .unknown(error)
            }
        }

        func get() throws(KVMError) -> [CPUIDLeaf] {
            switch self {
            case .known(let leaves): return leaves
            case .unknown(let error): throw error
            }
        }
    }

    /// The hypervisor, for two threads.
    private final class SharedHypervisor: Sendable {
        let hypervisor: Hypervisor

        init(_ hypervisor: consuming Hypervisor) { self.hypervisor = hypervisor }
    }

    /// Opens KVM and makes the guest's memory, empty.
    init(_ spec: MachineSpec) throws(MachineError) {
        // KVM first: it is what a host most often lacks.
        let hypervisor = SharedHypervisor(try Self.open())
        let layout = try Self.layout(of: spec, on: hypervisor.hypervisor)
        supportedFeatures = ParallelWork(name: "features") { SupportedFeatures(of: hypervisor.hypervisor) }
        self.hypervisor = hypervisor
        self.spec = spec
        do {
            memory = try PhysicalMemory(layout: layout, hugePages: spec.hugePages)
            // Devices read guest memory; a kernel's file that is truncated meanwhile must not end the machine.
            if !spec.virtioDevices.isEmpty { try memory.surviveLostPages() }
        } catch {
            throw .system(error)
        }
    }

    /// Loads the kernel, and makes the virtual machine around the memory.
    func makeMachine() throws(MachineError) -> (BootPlan, HostedMachine) {
        let images = try BootImages(spec)
        let plan = try images.plan(spec, memory.layout)
        // Pages of a file are small ones: where huge ones are wanted, the kernel is copied.
        try images.load(plan, into: memory, sharing: !spec.hugePages)
        do {
            return (plan, HostedMachine(try makeVirtualMachine()))
        } catch {
            throw .hypervisor(error)
        }
    }

    private static func open() throws(MachineError) -> Hypervisor {
        do {
            return try Hypervisor.open()
        } catch {
            throw .hypervisor(error)
        }
    }

    /// Where the RAM lies, if this host can give so much, and so many processors.
    private static func layout(
        of spec: MachineSpec, on hypervisor: borrowing Hypervisor
    ) throws(MachineError) -> AddressSpaceLayout {
        let mostProcessors: Int
        do {
            mostProcessors = try hypervisor.value(of: .maximumVCPUs)
        } catch {
            throw .hypervisor(error)
        }
        guard spec.cpus <= mostProcessors else {
            throw .tooMuch(
                "\(spec.cpus) virtual CPUs are more than the \(mostProcessors) this host's KVM can run")
        }
        let total = HostResources.totalMemory
        guard spec.memory.bytes <= total else {
            throw .tooMuch("the guest's memory of \(spec.memory) is more than this host's \(total >> 20)M")
        }
        guard let layout = AddressSpaceLayout(size: spec.memory.bytes) else {
            throw .tooMuch("the guest's memory of \(spec.memory) is no size a machine can have")
        }
        return layout
    }

    private func makeVirtualMachine() throws(KVMError) -> VirtualMachine {
        let machine = try hypervisor.hypervisor.makeVirtualMachine()
        for (slot, region) in memory.layout.regions.enumerated() {
            try machine.setMemorySlot(UInt32(slot), region, of: memory)
        }
        try machine.makeInterruptController(.split(pins: PCPlatform.ioAPICPinCount))
        return machine
    }
}

extension MachineConstruction {
    /// MSR 0x1A0, IA32_MISC_ENABLE: bit 0 lets string instructions be fast.
    private static let miscellaneousEnable: (index: UInt32, value: UInt64) = (0x1A0, 1)
    /// MSR 0x2FF, IA32_MTRR_DEF_TYPE: all memory write-back, as firmware would leave it.
    private static let defaultMemoryType: (index: UInt32, value: UInt64) = (0x2FF, 1 << 11 | 6)

    /// Makes the virtual CPUs, the first one set to the kernel's entry, the others waiting for it.
    func makeProcessors(
        _ plan: BootPlan, on host: HostedMachine, _ statistics: MachineStatistics
    ) throws(MachineError) -> [VirtualProcessor] {
        do throws(KVMError) {
            var processors: [VirtualProcessor] = []
            processors.reserveCapacity(spec.cpus)
            let supported = try supportedFeatures.value().get()
            // An Intel host whose processor cannot run real mode by itself emulates it in these pages.
            if ProcessorFeatures.mayBeIntel(supported),
                HostResources.moduleParameter("unrestricted_guest", of: "kvm_intel") == "N"
            {
                try host.virtualMachine.setTaskStateAddress(GuestAddress(0xFFFB_D000))
            }
            var features: ProcessorFeatures?
            for number in 0..<spec.cpus {
                let cpu = try host.virtualMachine.makeVirtualCPU(number: number)
                if features == nil {
                    // A kernel that cannot tell the frequency leaves guests to measure it.
                    let frequency = try? cpu.timestampFrequency()
                    features = ProcessorFeatures(
                        supported: supported, count: spec.cpus, timestampKilohertz: frequency)
                }
                if let features { try cpu.setCPUID(features.leaves(apicIdentifier: UInt32(number))) }
                try cpu.setModelSpecificRegisters([Self.miscellaneousEnable, Self.defaultMemoryType])
                if number == 0 { try cpu.setState(plan.processor) }
                processors.append(
                    VirtualProcessor(cpu, ProcessorCounters(statistics.processor(number))))
            }
            return processors
        } catch {
            throw .hypervisor(error)
        }
    }
}
