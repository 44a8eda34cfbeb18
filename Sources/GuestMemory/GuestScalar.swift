public import Synchronization

// Spelt out for each width, as the load of `Atomic` is not generic over its value.

extension UInt8: GuestScalar {
    /// A relaxed atomic load.
    @inlinable
    public static func relaxedLoad(_ pointer: UnsafeMutableRawPointer) -> UInt8 {
        // SAFETY: the caller has checked bounds and alignment; Atomic<UInt8> has UInt8's layout.
        unsafe pointer.assumingMemoryBound(to: Atomic<UInt8>.self).pointee.load(ordering: .relaxed)
    }

    /// A relaxed atomic store.
    @inlinable
    public static func relaxedStore(_ value: UInt8, _ pointer: UnsafeMutableRawPointer) {
        // SAFETY: as for the load.
        unsafe pointer.assumingMemoryBound(to: Atomic<UInt8>.self).pointee.store(value, ordering: .relaxed)
    }
}

extension UInt16: GuestScalar {
    /// A relaxed atomic load.
    @inlinable
    public static func relaxedLoad(_ pointer: UnsafeMutableRawPointer) -> UInt16 {
        // SAFETY: the caller has checked bounds and alignment; Atomic<UInt16> has UInt16's layout.
        unsafe pointer.assumingMemoryBound(to: Atomic<UInt16>.self).pointee.load(ordering: .relaxed)
    }

    /// A relaxed atomic store.
    @inlinable
    public static func relaxedStore(_ value: UInt16, _ pointer: UnsafeMutableRawPointer) {
        // SAFETY: as for the load.
        unsafe pointer.assumingMemoryBound(to: Atomic<UInt16>.self).pointee.store(value, ordering: .relaxed)
    }
}

extension UInt32: GuestScalar {
    /// A relaxed atomic load.
    @inlinable
    public static func relaxedLoad(_ pointer: UnsafeMutableRawPointer) -> UInt32 {
        // SAFETY: the caller has checked bounds and alignment; Atomic<UInt32> has UInt32's layout.
        unsafe pointer.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.load(ordering: .relaxed)
    }

    /// A relaxed atomic store.
    @inlinable
    public static func relaxedStore(_ value: UInt32, _ pointer: UnsafeMutableRawPointer) {
        // SAFETY: as for the load.
        unsafe pointer.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.store(value, ordering: .relaxed)
    }
}

extension UInt64: GuestScalar {
    /// A relaxed atomic load.
    @inlinable
    public static func relaxedLoad(_ pointer: UnsafeMutableRawPointer) -> UInt64 {
        // SAFETY: the caller has checked bounds and alignment; Atomic<UInt64> has UInt64's layout.
        unsafe pointer.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.load(ordering: .relaxed)
    }

    /// A relaxed atomic store.
    @inlinable
    public static func relaxedStore(_ value: UInt64, _ pointer: UnsafeMutableRawPointer) {
        // SAFETY: as for the load.
        unsafe pointer.assumingMemoryBound(to: Atomic<UInt64>.self).pointee.store(value, ordering: .relaxed)
    }
}
