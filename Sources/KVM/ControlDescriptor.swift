internal import CKVM
internal import HostSystem

/// The ioctl(2) calls on one of KVM's descriptors, with the kernel's answer or a typed error.
struct ControlDescriptor: ~Copyable, Sendable {
    let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// A request whose argument is a number.
    @discardableResult
    func call(_ request: UInt, _ argument: UInt = 0, to operation: @autoclosure () -> String) throws(KVMError)
        -> Int
    {
        let result = ckvm_ioctl(descriptor.number, request, argument)
        guard result >= 0 else {
            throw .call(SystemError(operation(), number: Int32(truncatingIfNeeded: result)))
        }
        return result
    }

    /// A request that reads and writes one structure.
    @discardableResult
    func call<Value>(
        _ request: UInt, with value: inout Value, to operation: @autoclosure () -> String
    ) throws(KVMError) -> Int {
        let result = unsafe withUnsafeMutablePointer(to: &value) { pointer in
            // SAFETY: each request is called with the structure linux/kvm.h names for it.
            unsafe ckvm_ioctl_pointer(descriptor.number, request, pointer)
        }
        guard result >= 0 else {
            throw .call(SystemError(operation(), number: Int32(truncatingIfNeeded: result)))
        }
        return result
    }

    /// A request whose structure ends in an array: a header and elements in one block of memory.
    @discardableResult
    func call(
        _ request: UInt, with block: UnsafeMutableRawPointer, to operation: @autoclosure () -> String
    ) throws(KVMError) -> Int {
        // SAFETY: the caller's block is as long as its header says.
        let result = unsafe ckvm_ioctl_pointer(descriptor.number, request, block)
        guard result >= 0 else {
            throw .call(SystemError(operation(), number: Int32(truncatingIfNeeded: result)))
        }
        return result
    }
}
