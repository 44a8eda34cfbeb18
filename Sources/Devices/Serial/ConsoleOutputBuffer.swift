public import HostSystem
internal import Synchronization

/// The bytes a guest has written to its console and nobody has taken yet: a ring of fixed size between
/// one producer (a serial port, under its lock) and one drain thread.
///
/// It neither blocks nor allocates, and pages of it that were never used cost no memory. Whether there
/// is room is for the producer to ask; a byte without room is dropped and counted.
public final class ConsoleOutputBuffer: Sendable {
    /// What became of an appended byte.
    enum Outcome {
        /// It is in the ring.
        case stored
        /// It is in the ring, and the drain thread may be asleep: call `wakeDrainThread()`.
        case storedInEmpty
        /// The ring was full.
        case dropped
    }

    /// How many bytes it holds: a power of two.
    public let capacity: Int

    private let ring: Mapping
    /// Bytes ever stored; written by the producer only.
    private let stored = Atomic<UInt64>(0)
    /// Bytes ever taken out; written by the drain thread only.
    private let drained = Atomic<UInt64>(0)
    private let dropped = Atomic<UInt64>(0)
    private let wake: @Sendable () -> Void

    /// - Parameters:
    ///   - capacity: rounded up to a power of two, from 4 KiB to 16 MiB.
    ///   - wake: wakes the drain thread, and must be remembered until it next sleeps (as a write to an
    ///     eventfd is). Called on a virtual CPU's thread with no lock held, when the ring was empty and
    ///     when it becomes too full for the port to be ready.
    public init(capacity: Int = 65536, wake: @escaping @Sendable () -> Void) throws(SystemError) {
        var size = 4096
        while size < min(capacity, 16 << 20) { size *= 2 }
        self.capacity = size
        ring = try Mapping.anonymous(size: size)
        self.wake = wake
    }

    /// Bytes the guest wrote although the port was not ready, or the reader did not read: lost. Any
    /// thread.
    public var droppedBytes: UInt64 { dropped.load(ordering: .relaxed) }

    /// Bytes waiting, about: others add and take meanwhile. Any thread.
    public var count: Int { min(max(capacity - free, 0), capacity) }

    /// Bytes ever taken out.
    var drainedBytes: UInt64 { drained.load(ordering: .acquiring) }

    /// Room in bytes, at least: the drain thread may make more at any time.
    var free: Int {
        let taken = drained.load(ordering: .acquiring)
        return capacity - Int(truncatingIfNeeded: stored.load(ordering: .acquiring) &- taken)
    }

    /// Adds a byte. One thread at a time.
    func append(_ byte: UInt8) -> Outcome {
        let position = stored.load(ordering: .relaxed)
        guard position &- drained.load(ordering: .acquiring) < UInt64(capacity) else {
            dropped.wrappingAdd(1, ordering: .relaxed)
            return .dropped
        }
        // SAFETY: the index is below the capacity, which is the mapping's size; the drain thread does
        // not read this byte before `stored` says so.
        unsafe ring.start.storeBytes(of: byte, toByteOffset: index(position), as: UInt8.self)
        // Sequentially consistent against the drain thread's store of `drained` and load of `stored`:
        // either it sees this byte or we see that it had taken all before it.
        stored.store(position &+ 1, ordering: .sequentiallyConsistent)
        return drained.load(ordering: .sequentiallyConsistent) == position ? .storedInEmpty : .stored
    }

    /// Takes the oldest bytes, as many as `bytes` has room for, and returns how many. One thread.
    func drain(into bytes: inout [UInt8]) -> Int {
        let start = drained.load(ordering: .relaxed)
        let available = Int(truncatingIfNeeded: stored.load(ordering: .sequentiallyConsistent) &- start)
        let count = min(available, bytes.count)
        guard count > 0 else { return 0 }
        let first = min(count, capacity - index(start))
        // SAFETY: the array's pointer does not leave the closure.
        unsafe bytes.withUnsafeMutableBytes { target in
            // SAFETY: both parts lie in the ring and, as count <= target.count, in the target; the
            // producer does not touch them before `drained` says so.
            unsafe target.copyMemory(
                from: UnsafeRawBufferPointer(start: ring.start + index(start), count: first))
            // SAFETY: as above; the second part begins the ring.
            unsafe UnsafeMutableRawBufferPointer(rebasing: target[first...]).copyMemory(
                from: UnsafeRawBufferPointer(start: ring.start, count: count - first))
        }
        drained.store(start &+ UInt64(count), ordering: .sequentiallyConsistent)
        return count
    }

    /// Tells the drain thread that the ring is not empty any more, or full.
    func wakeDrainThread() {
        wake()
    }

    private func index(_ position: UInt64) -> Int {
        Int(truncatingIfNeeded: position & UInt64(capacity - 1))
    }
}
