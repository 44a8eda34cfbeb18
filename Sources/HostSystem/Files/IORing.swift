internal import CLinux
internal import Glibc
internal import Synchronization

/// io_uring(7): commands and completions in memory that is shared with the kernel, without a library.
///
/// One thread at a time. As many commands as the ring was made for may be under way; the room for their
/// completions is twice that, so that none is ever lost.
@safe
public struct IORing: ~Copyable, @unchecked Sendable {
    // @unchecked: used by one thread at a time, as its owner promises; indices are atomics.

    private let ring: OwnedDescriptor
    private let rings: Mapping
    private let entries: Mapping
    private let layout: clinux_ring_layout

    /// Makes a ring for files that are named by their place in a list.
    ///
    /// - Parameters:
    ///   - capacity: how many commands may be under way, 1 to 32768.
    ///   - files: descriptors; the ring keeps the files open.
    /// - Throws: where the kernel has none (ENOSYS), or its administrator or a filter forbids it (EPERM).
    public init(capacity: Int, files: [Int32]) throws(SystemError) {
        var layout = clinux_ring_layout()
        // SAFETY: the structure is ours.
        let number = unsafe clinux_ring_setup(UInt32(capacity), &layout)
        let ring = OwnedDescriptor(takingOver: try checked(number, "make an I/O ring"))
        let rings = try Mapping.shared(ring, size: Int(layout.ring_size), what: "an I/O ring")
        let entries = try Mapping.shared(
            ring, size: Int(layout.entries_size), offset: Int(layout.entries_offset),
            what: "an I/O ring's entries")
        if !files.isEmpty {
            // SAFETY: the list is `files.count` descriptors, which the kernel reads during the call.
            let result = unsafe files.withUnsafeBufferPointer {
                unsafe clinux_ring_register_files(ring.number, $0.baseAddress, UInt32($0.count))
            }
            try checked(result, "register files with an I/O ring")
        }
        // The list of entries to submit is always 0, 1, 2 …
        for index in 0..<Int(layout.submission_count) {
            // SAFETY: the array lies in the mapping, says the kernel's layout.
            unsafe (rings.start + Int(layout.submission_array)).storeBytes(
                of: UInt32(index), toByteOffset: index * 4, as: UInt32.self)
        }
        self.ring = ring
        self.rings = rings
        self.entries = entries
        self.layout = layout
    }

    /// Why this process cannot have rings; nil if it can.
    public static func unavailability() -> SystemError? {
        do {
            _ = try IORing(capacity: 1, files: [])
            return nil
        } catch {
            return error
        }
    }

    /// Readable while there are completions; for an event loop.
    public var descriptor: Int32 { ring.number }

    /// Puts a command where the kernel will see it at the next `submit`. There must be room: no more than
    /// the capacity may be under way.
    public func begin(_ command: FileCommand) {
        let tail = word(layout.submission_tail)
        let index = tail.load() & layout.submission_mask
        // SAFETY: the index is masked to the entries, and the kernel has taken what was there before.
        unsafe withUnsafePointer(to: command.raw) {
            unsafe clinux_ring_fill(entries.start, index, Int32(command.file), $0)
        }
        tail.storeReleasing(tail.load() &+ 1)
    }

    /// Hands the kernel the commands that were begun. It may complete some at once.
    public func submit() {
        while true {
            let waiting = word(layout.submission_tail).load() &- word(layout.submission_head).loadAcquiring()
            guard waiting > 0 else { return }
            enter(submitting: waiting, waitingFor: 0)
        }
    }

    /// Waits until there is a completion. Only with a command under way.
    public func wait() {
        submit()
        while word(layout.completion_tail).loadAcquiring() == word(layout.completion_head).load() {
            enter(submitting: 0, waitingFor: 1)
        }
    }

    private func enter(submitting: UInt32, waitingFor: UInt32) {
        let result = clinux_ring_enter(ring.number, submitting, waitingFor)
        // A signal, or no memory right now: it is tried again, by a caller that looks what is left.
        if result < 0, result != -EINTR { _ = sched_yield() }
    }

    /// Takes a completion, if there is one.
    public func next() -> FileCompletion? {
        let head = word(layout.completion_head)
        let index = head.load()
        // Acquire: the completion is read after the index that covers it.
        guard index != word(layout.completion_tail).loadAcquiring() else { return nil }
        // SAFETY: the place is masked to the completions, which lie in the mapping.
        let completion = unsafe (rings.start + Int(layout.completions)).loadUnaligned(
            fromByteOffset: Int(index & layout.completion_mask) * MemoryLayout<clinux_ring_completion>.stride,
            as: clinux_ring_completion.self)
        // Release: the kernel may fill the place only after it was read.
        head.storeReleasing(index &+ 1)
        return FileCompletion(token: completion.token, result: Int64(completion.result))
    }

    @inline(__always)
    private func word(_ offset: UInt32) -> SharedWord {
        // SAFETY: an index that the kernel's layout names lies in the mapping, aligned.
        unsafe SharedWord(rings.start + Int(offset))
    }
}

/// An index that this process and the kernel share.
@safe
private struct SharedWord {
    private let pointer: UnsafeMutablePointer<Atomic<UInt32>>

    @inline(__always)
    init(_ start: UnsafeMutableRawPointer) {
        // SAFETY: Atomic<UInt32> has UInt32's layout.
        unsafe pointer = start.assumingMemoryBound(to: Atomic<UInt32>.self)
    }

    @inline(__always)
    func load() -> UInt32 {
        // SAFETY: valid as long as the ring, which is borrowed meanwhile.
        unsafe pointer.pointee.load(ordering: .relaxed)
    }

    @inline(__always)
    func loadAcquiring() -> UInt32 {
        // SAFETY: as above.
        unsafe pointer.pointee.load(ordering: .acquiring)
    }

    @inline(__always)
    func storeReleasing(_ value: UInt32) {
        // SAFETY: as above.
        unsafe pointer.pointee.store(value, ordering: .releasing)
    }
}
