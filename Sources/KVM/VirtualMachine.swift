internal import CKVM
internal import Glibc
public import GuestMemory
internal import HostSystem

/// A virtual machine of the kernel: memory slots, interrupt controllers and virtual CPUs hang on it.
public struct VirtualMachine: ~Copyable, Sendable {
    let control: ControlDescriptor
    private let runPageSize: Int

    init(descriptor: consuming OwnedDescriptor, runPageSize: Int) {
        control = ControlDescriptor(descriptor)
        self.runPageSize = runPageSize
    }

    /// Makes a virtual CPU; its number is its local APIC's identifier.
    ///
    /// All calls on a virtual CPU but `requestExit` belong to the thread that runs it.
    public func makeVirtualCPU(number: Int) throws(KVMError) -> VirtualCPU {
        let descriptor = try control.call(
            ckvm_KVM_CREATE_VCPU, UInt(number), to: "create virtual CPU \(number)")
        return try VirtualCPU(
            descriptor: OwnedDescriptor(takingOver: Int32(descriptor)), number: number,
            runPageSize: runPageSize)
    }

    /// Gives the guest a range of memory.
    ///
    /// Do it before the interrupt controllers exist: with one in the kernel, the first slot waits for
    /// a grace period of some 8 ms.
    public func setMemorySlot(
        _ slot: UInt32, _ range: GuestRange, of memory: PhysicalMemory
    ) throws(KVMError) {
        let host: UInt64
        do {
            host = try memory.hostAddress(of: range)
        } catch {
            throw .call(SystemError("use \(range) as memory: \(error)", number: EINVAL))
        }
        var region = kvm_userspace_memory_region(
            slot: slot, flags: 0, guest_phys_addr: range.start.rawValue, memory_size: range.size,
            userspace_addr: host)
        try control.call(
            ckvm_KVM_SET_USER_MEMORY_REGION, with: &region, to: "give the guest memory at \(range)")
    }

    /// Sets the three pages old Intel processors need for real mode; harmless elsewhere, but not free.
    public func setTaskStateAddress(_ address: GuestAddress) throws(KVMError) {
        try control.call(
            ckvm_KVM_SET_TSS_ADDR, UInt(address.rawValue), to: "set the task-state pages' address")
    }

    func enable(_ capability: Capability, _ argument: UInt64) throws(KVMError) {
        var request = kvm_enable_cap()
        request.cap = UInt32(bitPattern: capability.number)
        request.args.0 = argument
        try control.call(ckvm_KVM_ENABLE_CAP, with: &request, to: "switch on \(capability.name)")
    }
}
