internal import CKVM
internal import Glibc
internal import HostSystem
public import X86

/// The kernel's KVM: `/dev/kvm`, checked for the version and the capabilities Roost needs.
public struct Hypervisor: ~Copyable, Sendable {
    private let control: ControlDescriptor
    /// The size in bytes of the page a virtual CPU shares with the process.
    let runPageSize: Int

    /// Opens `/dev/kvm` and checks it.
    ///
    /// - Parameter path: another path, for tests.
    /// - Throws: `KVMError.unavailable` with advice if it cannot be opened, `.wrongVersion`, `.missing`.
    public static func open(path: String = "/dev/kvm") throws(KVMError) -> Hypervisor {
        let hypervisor = try openUnchecked(path: path)
        for capability in Capability.required where try hypervisor.value(of: capability) == 0 {
            throw .missing(try hypervisor.capabilities().missing)
        }
        return hypervisor
    }

    /// Opens `/dev/kvm` and checks its version only: for showing what there is and what is missing.
    public static func openUnchecked(path: String = "/dev/kvm") throws(KVMError) -> Hypervisor {
        let control: ControlDescriptor
        do {
            control = ControlDescriptor(try OwnedDescriptor.open(path, O_RDWR))
        } catch {
            throw .unavailable(
                SystemError("open \(path)", number: error.number, advice: advice(for: error.number)))
        }
        let version: Int
        do {
            version = try control.call(ckvm_KVM_GET_API_VERSION, to: "ask \(path) for its version")
        } catch {
            throw .unavailable(
                SystemError("ask \(path) for its version", number: ENOTTY, advice: "it is not the KVM device")
            )
        }
        guard version == KVM_API_VERSION else { throw .wrongVersion(version) }
        let runPageSize = try control.call(ckvm_KVM_GET_VCPU_MMAP_SIZE, to: "ask for the run page's size")
        return Hypervisor(control: control, runPageSize: runPageSize)
    }

    private init(control: consuming ControlDescriptor, runPageSize: Int) {
        self.control = control
        self.runPageSize = runPageSize
    }

    private static func advice(for number: Int32) -> String {
        switch number {
        case ENOENT:
            "this kernel offers no KVM: load kvm_intel or kvm_amd, or switch on virtualisation in the firmware"
        case EACCES, EPERM:
            "add yourself to the group that owns it, usually with `sudo usermod -aG kvm $USER`"
        case EBUSY:
            "another hypervisor holds the processor's virtualisation"
        default:
            "`roost host` shows what this host can do"
        }
    }

    /// The kernel's answer for one capability: zero for absent.
    public func value(of capability: Capability) throws(KVMError) -> Int {
        try control.call(
            ckvm_KVM_CHECK_EXTENSION, UInt(capability.number), to: "ask for the capability \(capability.name)"
        )
    }

    /// All capabilities Roost knows of.
    public func capabilities() throws(KVMError) -> CapabilitySet {
        try CapabilitySet(of: Capability.all) { (capability) throws(KVMError) in try value(of: capability) }
    }

    /// The processor features KVM can give a guest on this host.
    public func supportedCPUID() throws(KVMError) -> [CPUIDLeaf] {
        // The kernel refuses a table that is too small with E2BIG. Kernels so far fill 30 to 60 entries;
        // more room would be zeroed for nothing at every start.
        var capacity = 80
        while true {
            let table = CPUIDTable(capacity: capacity)
            do {
                // SAFETY: the block is a `kvm_cpuid2` with room for as many entries as it says.
                try unsafe control.call(
                    ckvm_KVM_GET_SUPPORTED_CPUID, with: table.block,
                    to: "ask for the processor features of guests")
                return table.leaves
            } catch .call(let error) where error.number == E2BIG && capacity < 1024 {
                capacity *= 2
            }
        }
    }

    /// Makes a virtual machine without memory or processors.
    public func makeVirtualMachine() throws(KVMError) -> VirtualMachine {
        var result: Int
        repeat {
            // Creating a machine can be interrupted by any signal while the kernel waits for memory.
            result = ckvm_ioctl(control.descriptor.number, ckvm_KVM_CREATE_VM, 0)
        } while result == -Int(EINTR)
        guard result >= 0 else {
            throw .call(SystemError("create a virtual machine", number: Int32(truncatingIfNeeded: result)))
        }
        return VirtualMachine(
            descriptor: OwnedDescriptor(takingOver: Int32(result)), runPageSize: runPageSize)
    }
}
