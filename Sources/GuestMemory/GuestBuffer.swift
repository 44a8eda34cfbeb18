internal import CLinux
public import Synchronization

/// A run of the guest's RAM that has been checked: only `PhysicalMemory` makes one, so it cannot lie
/// outside.
///
/// For what is used again and again (a queue's rings) or handed to the kernel (a disk's data): the check
/// is made once, where the guest's number enters, and an access costs no more than a plain one. The
/// guest changes the bytes meanwhile, so they are reached by atomics and copies alone.
///
/// It is valid as long as its `PhysicalMemory`, which it does not keep alive: whoever stores one stores
/// the memory too.
@safe
public struct GuestBuffer: @unchecked Sendable {
    // @unchecked: the bytes are shared with the guest in any case; all accesses are atomic or copies.

    /// The first byte in this process. For handing to the kernel, which copies.
    public let start: UnsafeMutableRawPointer
    /// The length in bytes.
    public let count: Int

    @inlinable
    init(start: UnsafeMutableRawPointer, count: Int) {
        // SAFETY: only stored.
        unsafe self.start = start
        self.count = count
    }

    @inlinable
    func pointer<Scalar: GuestScalar>(_ type: Scalar.Type, at offset: Int) -> UnsafeMutableRawPointer {
        // An offset that is wrong is a mistake of ours: guests' numbers are never offsets unmasked.
        precondition(
            offset >= 0 && offset <= count - MemoryLayout<Scalar>.size
                && offset & (MemoryLayout<Scalar>.size - 1) == 0)
        // SAFETY: the offset lies inside.
        return unsafe start + offset
    }

    /// Loads an integer. The buffer must be aligned to it, and the offset a multiple of its size inside.
    @inlinable
    public func load<Scalar: GuestScalar>(_ type: Scalar.Type = Scalar.self, at offset: Int) -> Scalar {
        // SAFETY: checked by `pointer`.
        unsafe Scalar.relaxedLoad(pointer(type, at: offset))
    }

    /// Stores an integer. The buffer must be aligned to it, and the offset a multiple of its size inside.
    @inlinable
    public func store<Scalar: GuestScalar>(_ value: Scalar, at offset: Int) {
        // SAFETY: checked by `pointer`.
        unsafe Scalar.relaxedStore(value, pointer(Scalar.self, at: offset))
    }

    /// An integer as an atomic for the length of `body`, for words whose order against others matters.
    @inlinable
    public func withAtomic<Scalar: GuestScalar, Result>(
        _ type: Scalar.Type, at offset: Int, _ body: (borrowing Atomic<Scalar>) -> Result
    ) -> Result {
        // SAFETY: checked by `pointer`; Atomic<Scalar> has Scalar's layout.
        unsafe body(pointer(type, at: offset).assumingMemoryBound(to: Atomic<Scalar>.self).pointee)
    }
}

extension PhysicalMemory {
    /// Checks once that a range is RAM as a whole.
    ///
    /// - Parameter alignment: what the start must be a multiple of, a power of two.
    @inlinable
    public func buffer(
        at address: GuestAddress, size: UInt64, alignment: UInt64 = 1
    ) throws(GuestMemoryError) -> GuestBuffer {
        guard address.isAligned(to: alignment) else { throw .misaligned(address, size: alignment) }
        return unsafe GuestBuffer(start: try pointer(to: address, size: size), count: Int(size))
    }
}
