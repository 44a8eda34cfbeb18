internal import CLinux
internal import Synchronization

/// A lock for hot paths: taking and releasing it is one atomic instruction each as long as nobody
/// else wants it. Who must wait sleeps in futex(2).
///
/// Swift's `Mutex` asks the kernel for the thread's number at every lock; this one knows no owner, so
/// that a second `lock` by the same thread waits for ever. It is not fair.
@safe
public struct FutexLock: ~Copyable, @unchecked Sendable {
    // @unchecked: the word is atomic.

    private enum State {
        static let free: UInt32 = 0
        static let taken: UInt32 = 1
        /// Taken, and somebody may sleep until it is free.
        static let wanted: UInt32 = 2
    }

    /// How often a waiter looks before it sleeps. What is held on a hot path is released sooner.
    private static let spins = 100

    /// On a cache line that nothing else shares, followed by what the lock guards.
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    /// A free lock.
    public init() {
        self.init(room: 0, alignment: 1)
    }

    deinit {
        // SAFETY: allocated by the initialiser, and nobody locks what has no owner any more.
        unsafe word.deinitialize(count: 1)
        unsafe UnsafeMutableRawPointer(word).deallocate()
    }

    /// A free lock with room behind its word.
    init(room: Int, alignment: Int) {
        let line = 64
        let size = Self.roomOffset(alignment: alignment) + room
        // SAFETY: aligned for the word, which is initialised here; the room is its user's to initialise.
        let start = UnsafeMutableRawPointer.allocate(
            byteCount: (size + line - 1) & ~(line - 1), alignment: max(line, alignment))
        unsafe word = start.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
        unsafe word.initialize(to: Atomic(State.free))
    }

    private static func roomOffset(alignment: Int) -> Int { max(alignment, 8) }

    /// Where the room asked for begins.
    func room(alignment: Int) -> UnsafeMutableRawPointer {
        // SAFETY: inside the allocation, or at its end if no room was asked for.
        unsafe UnsafeMutableRawPointer(word) + Self.roomOffset(alignment: alignment)
    }

    /// Waits until the lock is free and takes it.
    public func lock() {
        // SAFETY: the word lives as long as `self`.
        let result = unsafe word.pointee.compareExchange(
            expected: State.free, desired: State.taken, ordering: .acquiring)
        if !result.exchanged { lockSlowly() }
    }

    /// Takes the lock if it is free.
    ///
    /// - Returns: whether it was.
    public func tryLock() -> Bool {
        // SAFETY: the word lives as long as `self`.
        unsafe word.pointee.compareExchange(
            expected: State.free, desired: State.taken, ordering: .acquiring
        ).exchanged
    }

    /// Lets the lock go. Only its holder may.
    public func unlock() {
        // SAFETY: the word lives as long as `self`.
        if unsafe word.pointee.exchange(State.free, ordering: .releasing) == State.wanted {
            // SAFETY: the kernel looks the address up, and does not read it.
            unsafe clinux_futex_wake(word, 1)
        }
    }

    @inline(never)
    private func lockSlowly() {
        // SAFETY: the word lives as long as `self`.
        for _ in 0..<Self.spins {
            let state = unsafe word.pointee.load(ordering: .relaxed)
            if state == State.free && tryLock() { return }
            if state == State.wanted { break }
            clinux_spin_hint()
        }
        // Whoever slept takes the lock as wanted: others may still sleep, and one needless wake does no harm.
        while unsafe word.pointee.exchange(State.wanted, ordering: .acquiring) != State.free {
            // SAFETY: the word is 32 bits, aligned, and lives as long as `self`.
            unsafe clinux_futex_wait(word, State.wanted)
        }
    }
}
