public import CKVM
internal import Glibc
public import HostSystem
internal import Synchronization

/// A virtual CPU of the kernel and the page it shares with this process.
///
/// Everything but `requestExit` and `clearExitRequest` must be called by the one thread that runs it.
@safe
public struct VirtualCPU: ~Copyable, @unchecked Sendable {
    // @unchecked: the run page is only touched by the thread in `run`, but for `immediate_exit`,
    // which is one atomic byte.

    let control: ControlDescriptor
    /// The control descriptor's number, for the run loop.
    @usableFromInline let runDescriptor: Int32
    @usableFromInline let page: Mapping
    /// Its number, which is its local APIC's identifier.
    public let number: Int

    init(descriptor: consuming OwnedDescriptor, number: Int, runPageSize: Int) throws(KVMError) {
        do {
            page = try Mapping.shared(descriptor, size: runPageSize, what: "virtual CPU \(number)'s run page")
        } catch {
            throw .call(error)
        }
        runDescriptor = descriptor.number
        control = ControlDescriptor(descriptor)
        self.number = number
    }

    /// What the kernel tells about the last exit.
    @inlinable @inline(__always)
    var runPage: UnsafeMutablePointer<kvm_run> {
        // SAFETY: the kernel lays a `struct kvm_run` at the start of the page, which lives as long as `self`.
        unsafe page.start.assumingMemoryBound(to: kvm_run.self)
    }

    /// Runs the guest until it needs this process, and says why. Does not allocate.
    ///
    /// The answers to a read exit are given by `answer…` before the next call.
    /// - Throws: if the kernel cannot run the guest; `EFAULT` means guest memory this process lost.
    @inlinable @inline(__always)
    public func run() throws(KVMError) -> VMExit {
        let result = ckvm_run(runDescriptor)
        if result < 0 {
            return try exitWithoutReason(Int32(truncatingIfNeeded: -result))
        }
        return unsafe VMExit(runPage)
    }

    @usableFromInline @inline(never)
    func exitWithoutReason(_ number: Int32) throws(KVMError) -> VMExit {
        // EINTR: a signal or `requestExit`. EAGAIN: a processor that was still waiting to be started.
        if number == EINTR || number == EAGAIN { return .interrupted }
        let advice = number == EFAULT ? "the guest touched memory that this process cannot access" : nil
        throw .call(SystemError("run virtual CPU \(self.number)", number: number, advice: advice))
    }

    private var immediateExit: UnsafeMutablePointer<Atomic<UInt8>> {
        // SAFETY: byte 1 of the run page (asserted in ckvm.h), one byte, no alignment needed.
        unsafe (page.start + 1).assumingMemoryBound(to: Atomic<UInt8>.self)
    }

    /// Makes the current `run`, once a signal has interrupted it, or else the next one return at once.
    /// From any thread.
    public func requestExit() {
        unsafe immediateExit.pointee.store(1, ordering: .sequentiallyConsistent)
    }

    /// Lets `run` run again.
    public func clearExitRequest() {
        unsafe immediateExit.pointee.store(0, ordering: .sequentiallyConsistent)
    }

    // MARK: Data of port and memory exits

    /// The value of the `index`-th access of a port write exit.
    @inlinable @inline(__always)
    public func portValue(_ access: PortAccess, index: UInt32 = 0) -> UInt32 {
        // SAFETY: the kernel puts count × size bytes at data_offset, inside the mapped run page.
        let data = unsafe page.start + access.dataOffset + Int(index) &* access.size
        switch access.size {
        case 1: return unsafe UInt32(data.load(as: UInt8.self))
        case 2: return unsafe UInt32(data.loadUnaligned(as: UInt16.self))
        default: return unsafe data.loadUnaligned(as: UInt32.self)
        }
    }

    /// Gives the `index`-th access of a port read exit its value.
    @inlinable @inline(__always)
    public func answerPort(_ access: PortAccess, index: UInt32 = 0, _ value: UInt32) {
        // SAFETY: as for `portValue`.
        let data = unsafe page.start + access.dataOffset + Int(index) &* access.size
        switch access.size {
        case 1: unsafe data.storeBytes(of: UInt8(truncatingIfNeeded: value), as: UInt8.self)
        case 2: unsafe data.storeBytes(of: UInt16(truncatingIfNeeded: value), as: UInt16.self)
        default: unsafe data.storeBytes(of: value, as: UInt32.self)
        }
    }

    /// Gives a memory read exit its value.
    @inlinable @inline(__always)
    public func answerMemory(_ value: UInt64) {
        // SAFETY: the union's eight data bytes, aligned to eight in no layout so far, hence by bytes.
        unsafe withUnsafeMutableBytes(of: &runPage.pointee.mmio.data) { bytes in
            unsafe bytes.storeBytes(of: value, as: UInt64.self)
        }
    }
}
