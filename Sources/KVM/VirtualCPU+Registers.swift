internal import CKVM
internal import Glibc
internal import HostSystem
public import X86

/// What a virtual CPU is doing as far as the kernel's scheduler of it is concerned.
public enum MultiprocessorState: UInt32, Sendable {
    /// Runs. C constant: `KVM_MP_STATE_RUNNABLE`.
    case runnable = 0
    /// Waits for the start-up interrupts of another processor. C constant: `KVM_MP_STATE_UNINITIALIZED`.
    case uninitialized = 1
    /// Has had INIT. C constant: `KVM_MP_STATE_INIT_RECEIVED`.
    case initialized = 2
    /// Waits for an interrupt. C constant: `KVM_MP_STATE_HALTED`.
    case halted = 3
    /// Has had SIPI. C constant: `KVM_MP_STATE_SIPI_RECEIVED`.
    case startupReceived = 4
}

extension VirtualCPU {
    /// The general registers.
    public func generalRegisters() throws(KVMError) -> GeneralRegisters {
        var registers = kvm_regs()
        try control.call(ckvm_KVM_GET_REGS, with: &registers, to: "read virtual CPU \(number)'s registers")
        return GeneralRegisters(registers)
    }

    /// Sets the general registers.
    public func setGeneralRegisters(_ general: GeneralRegisters) throws(KVMError) {
        var registers = kvm_regs(general)
        try control.call(ckvm_KVM_SET_REGS, with: &registers, to: "set virtual CPU \(number)'s registers")
    }

    /// Segments, tables and control registers.
    public func specialRegisters() throws(KVMError) -> SpecialRegisters {
        var registers = kvm_sregs()
        try control.call(
            ckvm_KVM_GET_SREGS, with: &registers, to: "read virtual CPU \(number)'s system registers")
        return SpecialRegisters(registers)
    }

    /// Sets what a processor starts with. The local APIC's base stays as the kernel has it.
    public func setState(_ state: ProcessorState) throws(KVMError) {
        var registers = kvm_sregs()
        try control.call(
            ckvm_KVM_GET_SREGS, with: &registers, to: "read virtual CPU \(number)'s system registers")
        registers.set(state.special)
        try control.call(
            ckvm_KVM_SET_SREGS, with: &registers, to: "set virtual CPU \(number)'s system registers")
        try setGeneralRegisters(state.general)
    }

    /// Sets the table the guest's CPUID instruction shows. Before the first run.
    public func setCPUID(_ leaves: [CPUIDLeaf]) throws(KVMError) {
        let table = CPUIDTable(leaves)
        // SAFETY: the block is a `kvm_cpuid2` with the entries it says.
        try unsafe control.call(
            ckvm_KVM_SET_CPUID2, with: table.block, to: "set virtual CPU \(number)'s features")
    }

    /// Sets model-specific registers.
    public func setModelSpecificRegisters(_ values: [(index: UInt32, value: UInt64)]) throws(KVMError) {
        let block = ModelSpecificRegisterBlock(values)
        // SAFETY: the block is a `kvm_msrs` with the entries it says.
        let count = try unsafe control.call(
            ckvm_KVM_SET_MSRS, with: block.start, to: "set virtual CPU \(number)'s model-specific registers")
        guard count == values.count else {
            let refused = String(values[count].index, radix: 16)
            throw .call(SystemError("set model-specific register 0x\(refused)", number: EINVAL))
        }
    }

    /// Reads model-specific registers. The kernel stops at the first it does not know.
    ///
    /// - Returns: a value for each index, nil from the first unknown one on.
    public func modelSpecificRegisters(_ indices: [UInt32]) throws(KVMError) -> [UInt64?] {
        let block = ModelSpecificRegisterBlock(indices.map { ($0, 0) })
        // SAFETY: as above.
        let count = try unsafe control.call(
            ckvm_KVM_GET_MSRS, with: block.start, to: "read virtual CPU \(number)'s model-specific registers")
        return indices.indices.map { $0 < count ? block.value($0) : nil }
    }

    /// The frequency of the guest's time-stamp counter in kHz.
    public func timestampFrequency() throws(KVMError) -> UInt32 {
        UInt32(try control.call(ckvm_KVM_GET_TSC_KHZ, to: "read the time-stamp counter's frequency"))
    }

    /// Whether the virtual CPU runs, halts or waits to be started.
    public func multiprocessorState() throws(KVMError) -> MultiprocessorState? {
        var state = kvm_mp_state()
        try control.call(ckvm_KVM_GET_MP_STATE, with: &state, to: "read virtual CPU \(number)'s run state")
        return MultiprocessorState(rawValue: state.mp_state)
    }
}
