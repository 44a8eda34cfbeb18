internal import CKVM
public import HostSystem

extension VirtualMachine {
    /// A descriptor from which the kernel's own numbers of the machine can be read, in the format that
    /// `KVMStatistics` of module `Stats` understands. C constant: `KVM_GET_STATS_FD`.
    ///
    /// - Throws: where the kernel lacks `Capability.binaryStatistics`.
    public func makeStatisticsDescriptor() throws(KVMError) -> OwnedDescriptor {
        let number = try control.call(ckvm_KVM_GET_STATS_FD, to: "open the machine's statistics")
        return OwnedDescriptor(takingOver: Int32(number))
    }
}

extension VirtualCPU {
    /// A descriptor from which the kernel's own numbers of this virtual CPU can be read; any thread may read
    /// it, also while the guest runs.
    ///
    /// - Throws: where the kernel lacks `Capability.binaryStatistics`.
    public func makeStatisticsDescriptor() throws(KVMError) -> OwnedDescriptor {
        let number = try control.call(
            ckvm_KVM_GET_STATS_FD, to: "open the statistics of virtual CPU \(self.number)")
        return OwnedDescriptor(takingOver: Int32(number))
    }
}
