internal import Synchronization

/// One handler of an `EventLoop`.
final class Watcher: Sendable {
    let handler: @Sendable (EventInterest) -> Void
    /// False once nobody wants it called any more. Written with the table's lock held.
    let isWatched = Atomic(true)

    init(_ handler: @escaping @Sendable (EventInterest) -> Void) {
        self.handler = handler
    }
}

/// What an event loop watches, and what other threads have asked of it. Its owner guards it by a lock.
///
/// A slot is used again, its generation is not: an event that was under way when its handler was taken
/// away finds another generation, and is dropped.
struct WatchTable {
    struct Slot {
        var generation: UInt32 = 0
        var watcher: Watcher?
        /// Nil if the handler has none, and is only signalled.
        var descriptor: Int32?
        /// Whether the kernel knows the descriptor: not while nothing is asked of it.
        var isInKernel = false
        /// Whether it stands in `signalled`.
        var isSignalled = false
        /// Where it stands among what this round calls; -1 if it does not.
        var place = -1
    }

    private(set) var slots: [Slot] = []
    private var free: [UInt32] = []
    /// Whom other threads want called.
    private(set) var signalled: [EventRegistration] = []
    /// Work to be done once.
    var work: [@Sendable () -> Void] = []
    /// Whether the loop waits, or is about to, and has to be woken.
    var isAsleep = false
    var shouldStop = false

    /// Whether the loop has something to do other than events.
    var hasRequests: Bool { shouldStop || !work.isEmpty || !signalled.isEmpty }

    mutating func add(_ watcher: Watcher, descriptor: Int32?) -> EventRegistration {
        let index = free.popLast() ?? UInt32(slots.count)
        if index == slots.count { slots.append(Slot()) }
        slots[Int(index)].watcher = watcher
        slots[Int(index)].descriptor = descriptor
        // Never more than there are slots: a signal then finds room.
        signalled.reserveCapacity(slots.count)
        return EventRegistration(slot: index, generation: slots[Int(index)].generation)
    }

    /// The slot a registration names, or nil if that is gone.
    func index(of registration: EventRegistration) -> Int? {
        let index = Int(registration.slot)
        guard index < slots.count, slots[index].generation == registration.generation,
            slots[index].watcher != nil
        else { return nil }
        return index
    }

    /// Frees a slot.
    ///
    /// - Returns: what was in it, for the caller to let go of outside the lock.
    mutating func remove(at index: Int) -> Watcher? {
        let watcher = slots[index].watcher
        watcher?.isWatched.store(false, ordering: .relaxed)
        slots[index] = Slot(generation: slots[index].generation &+ 1)
        free.append(UInt32(index))
        return watcher
    }

    mutating func setInKernel(_ isInKernel: Bool, at index: Int) {
        slots[index].isInKernel = isInKernel
    }

    /// Notes that a handler is to be called.
    ///
    /// - Returns: false if it stands there already or is gone.
    mutating func signal(_ registration: EventRegistration) -> Bool {
        guard let index = index(of: registration), !slots[index].isSignalled else { return false }
        slots[index].isSignalled = true
        signalled.append(registration)
        return true
    }

    /// Takes everybody signalled into what a round calls.
    mutating func takeSignalled(into round: inout [Call]) {
        for registration in signalled {
            guard let index = index(of: registration) else { continue }
            slots[index].isSignalled = false
            take(index, [], into: &round)
        }
        signalled.removeAll(keepingCapacity: true)
    }

    /// Takes a handler into what a round calls: once, whatever the number of reasons.
    mutating func take(_ index: Int, _ reasons: EventInterest, into round: inout [Call]) {
        let place = slots[index].place
        if place >= 0 {
            round[place].reasons.formUnion(reasons)
        } else if let watcher = slots[index].watcher {
            slots[index].place = round.count
            round.append(Call(watcher: watcher, reasons: reasons, slot: index))
        }
    }

    /// Makes ready for the next round.
    mutating func finish(_ round: [Call]) {
        for call in round { slots[call.slot].place = -1 }
    }
}

/// A handler that a round calls, and why.
struct Call {
    let watcher: Watcher
    var reasons: EventInterest
    let slot: Int
}
