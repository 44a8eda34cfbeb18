/// A value that is only reached with its lock held: `Synchronization.Mutex` on a `FutexLock`.
///
/// Lock and value share cache lines with each other and with nothing else. One allocation for its life.
@safe
public struct Guarded<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    // @unchecked: the value came in `sending`, and is only reached with the lock held.

    private let lock: FutexLock
    private let value: UnsafeMutablePointer<Value>

    /// A free lock around a first value.
    public init(_ value: consuming sending Value) {
        lock = FutexLock(room: MemoryLayout<Value>.size, alignment: MemoryLayout<Value>.alignment)
        // SAFETY: the room is the value's size and alignment, and lives as long as the lock.
        unsafe self.value = lock.room(alignment: MemoryLayout<Value>.alignment)
            .bindMemory(to: Value.self, capacity: 1)
        unsafe self.value.initialize(to: value)
    }

    deinit {
        // SAFETY: initialised at the start; with the last owner gone nobody holds the lock.
        unsafe value.deinitialize(count: 1)
    }

    /// Runs `body` with the value, once nobody else does. Not from within itself: that waits for ever.
    public borrowing func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        lock.lock()
        defer { lock.unlock() }
        // SAFETY: the lock is held, so that this is the only access.
        return try unsafe body(&value.pointee)
    }

    /// Runs `body` with the value if nobody else does right now.
    ///
    /// - Returns: nil if somebody does.
    public borrowing func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result? {
        guard lock.tryLock() else { return nil }
        defer { lock.unlock() }
        // SAFETY: the lock is held, so that this is the only access.
        return try unsafe body(&value.pointee)
    }
}
