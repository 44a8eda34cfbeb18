public import CKVM
public import GuestMemory

/// A guest's access to I/O ports: `count` accesses of `size` bytes each to one port.
public struct PortAccess: Equatable, Sendable {
    /// The first port's number.
    public let port: UInt16
    /// 1, 2 or 4 bytes.
    public let size: Int
    /// More than one for a string instruction.
    public let count: UInt32
    /// Where in the run page the data lies.
    @usableFromInline let dataOffset: Int

    @inlinable
    init(port: UInt16, size: Int, count: UInt32, dataOffset: Int) {
        self.port = port
        self.size = size
        self.count = count
        self.dataOffset = dataOffset
    }
}

/// Why the kernel came back from running a guest. A plain value: making one allocates nothing.
public enum VMExit: Equatable, Sendable {
    /// `in`: answer each access with `VirtualCPU.answerPort`. C constant: `KVM_EXIT_IO`.
    case portRead(PortAccess)
    /// `out`: the values are at `VirtualCPU.portValue`. C constant: `KVM_EXIT_IO`.
    case portWrite(PortAccess)
    /// A load where no memory is, of 1 to 8 bytes. C constant: `KVM_EXIT_MMIO`.
    case memoryRead(GuestAddress, size: Int)
    /// A store where no memory is. C constant: `KVM_EXIT_MMIO`.
    case memoryWrite(GuestAddress, size: Int, value: UInt64)
    /// A signal or `requestExit`.
    case interrupted
    /// A level-triggered interrupt was acknowledged. C constant: `KVM_EXIT_IOAPIC_EOI`.
    case endOfInterrupt(vector: UInt8)
    /// The guest halted and nothing in the kernel can wake it. C constant: `KVM_EXIT_HLT`.
    case halted
    /// A triple fault. C constant: `KVM_EXIT_SHUTDOWN`.
    case shutdown
    /// The guest asked the hypervisor for something. C constant: `KVM_EXIT_SYSTEM_EVENT`.
    case systemEvent(type: UInt32)
    /// The processor refused the guest's state. C constant: `KVM_EXIT_FAIL_ENTRY`.
    case failedEntry(hardwareReason: UInt64)
    /// The kernel could not go on, most often for an instruction it cannot emulate. C constant:
    /// `KVM_EXIT_INTERNAL_ERROR`; `VirtualCPU.emulationFailure` has the rest.
    case internalError(suberror: UInt32)
    /// A reason this version does not know.
    case unknown(reason: UInt32)

    // Inlined across modules: as a call, each exit would go through memory.
    @inlinable @inline(__always)
    init(_ page: UnsafeMutablePointer<kvm_run>) {
        // SAFETY: the kernel has just filled in the member of the union that `exit_reason` names.
        let reason = unsafe page.pointee.exit_reason
        switch Int32(bitPattern: reason) {
        case KVM_EXIT_IO:
            let io = unsafe page.pointee.io
            let access = PortAccess(
                port: io.port, size: Int(io.size), count: io.count,
                dataOffset: Int(truncatingIfNeeded: io.data_offset))
            self = io.direction == UInt8(KVM_EXIT_IO_OUT) ? .portWrite(access) : .portRead(access)
        case KVM_EXIT_MMIO:
            let address = unsafe GuestAddress(page.pointee.mmio.phys_addr)
            let size = unsafe Int(page.pointee.mmio.len)
            if unsafe page.pointee.mmio.is_write == 0 {
                self = .memoryRead(address, size: size)
            } else {
                let value = unsafe withUnsafeBytes(of: page.pointee.mmio.data) { bytes in
                    unsafe bytes.loadUnaligned(as: UInt64.self)
                }
                // The kernel leaves what lies past `len` as it was.
                self = .memoryWrite(
                    address, size: size, value: size >= 8 ? value : value & (1 << (UInt64(size) &* 8) &- 1))
            }
        // SAFETY: as above.
        case KVM_EXIT_INTR: self = .interrupted
        case KVM_EXIT_IOAPIC_EOI: self = unsafe .endOfInterrupt(vector: page.pointee.eoi.vector)
        case KVM_EXIT_HLT: self = .halted
        case KVM_EXIT_SHUTDOWN: self = .shutdown
        case KVM_EXIT_SYSTEM_EVENT: self = unsafe .systemEvent(type: page.pointee.system_event.type)
        case KVM_EXIT_FAIL_ENTRY:
            self = unsafe .failedEntry(hardwareReason: page.pointee.fail_entry.hardware_entry_failure_reason)
        case KVM_EXIT_INTERNAL_ERROR: self = unsafe .internalError(suberror: page.pointee.internal.suberror)
        default: self = .unknown(reason: reason)
        }
    }
}

extension VMExit {
    /// `internalError`: an instruction could not be emulated. C constant: `KVM_INTERNAL_ERROR_EMULATION`.
    public static let emulationSuberror = UInt32(KVM_INTERNAL_ERROR_EMULATION)
    /// `systemEvent`: the guest switched itself off. C constant: `KVM_SYSTEM_EVENT_SHUTDOWN`.
    public static let shutdownEvent = UInt32(KVM_SYSTEM_EVENT_SHUTDOWN)
    /// `systemEvent`: the guest asked for a reset. C constant: `KVM_SYSTEM_EVENT_RESET`.
    public static let resetEvent = UInt32(KVM_SYSTEM_EVENT_RESET)
}

extension VirtualCPU {
    /// The bytes of the instruction an `.internalError` exit could not emulate, if the kernel tells.
    public var failedInstruction: [UInt8] {
        // SAFETY: the last exit was an internal error; `insn_size` is at most 15 and checked again.
        let failure = unsafe runPage.pointee.emulation_failure
        let saysBytes =
            failure.suberror == UInt32(KVM_INTERNAL_ERROR_EMULATION) && failure.ndata >= 3
            && failure.flags & UInt64(KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES) != 0
        guard saysBytes else { return [] }
        return unsafe withUnsafeBytes(of: failure.insn_bytes) { bytes in
            unsafe [UInt8](bytes.prefix(min(Int(failure.insn_size), 15)))
        }
    }
}
