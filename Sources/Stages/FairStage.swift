public import HostSystem

/// How much a `FairStage` holds.
public struct FairLimits: Sendable {
    /// Clients that are known at a time. One more takes the place of one that is idle, or is refused.
    public let clients: Int
    /// Events that wait, of all clients.
    public let events: Int
    /// Events that are handled at a time. With one, a client whose only connection waits for each answer gets
    /// as much as one with many connections.
    public let turns: Int

    /// Limits, each at least 1.
    public init(clients: Int, events: Int, turns: Int) {
        precondition(clients >= 1 && events >= 1 && turns >= 1)
        self.clients = clients
        self.events = events
        self.turns = turns
    }
}

/// As `Stage`, for events of several clients that are to have equal parts: a bounded queue and an admission rule
/// for each, and turns between them.
///
/// An event's turn lasts from its handling to the end of its `FairTurn`, which may be later and on another
/// thread: what comes after the loop (an answer that is rendered and sent) is then shared out, too.
public final class FairStage<Client: Hashable & Sendable, Event: Sendable>: Sendable {
    private let core: FairStageCore<Client, Event>
    private let registration: EventRegistration

    /// A stage on a loop.
    ///
    /// - Parameters:
    ///   - rule: makes a new client's; its queue's bound is the client's.
    ///   - clock: nanoseconds; that of the host but in tests.
    ///   - handler: takes an event, on the loop's thread. It never blocks, and ends the turn or sees to it.
    public init(
        on loop: EventLoop, limits: FairLimits, rule: @escaping @Sendable (_ now: UInt64) -> AdmissionRule,
        meter: StageMeter, clock: @escaping @Sendable () -> UInt64 = { HostClock.monotonicNanoseconds() },
        handler: @escaping @Sendable (Event, FairTurn) -> Void
    ) {
        let core = FairStageCore<Client, Event>(loop, limits, rule, meter, clock, handler)
        let registration = loop.watchSignals { core.handle() }
        core.state.withLock { $0.registration = registration }
        self.core = core
        self.registration = registration
    }

    deinit {
        core.loop.unwatch(registration)
        core.state.withLock { $0.registration = nil }
    }

    /// How many events wait.
    public var queueLength: Int { core.state.withLock { $0.queue.count } }

    /// Events that wait or whose turn it is.
    public var underWay: Int { core.state.withLock { $0.queue.count + $0.turns } }

    /// Gives the stage an event, if it takes it. From any thread.
    public func submit(_ event: Event, from client: Client) -> Admission { core.submit(event, client) }
}

/// The time in which an event is served. It ends once: by `end`, or when nobody holds it any more.
public final class FairTurn: Sendable {
    private let atEnd: Guarded<(@Sendable () -> Void)?>

    init(_ atEnd: @escaping @Sendable () -> Void) {
        self.atEnd = Guarded(atEnd)
    }

    deinit {
        end()
    }

    /// Lets the next one have its turn. From any thread; more than once is fine.
    public func end() {
        atEnd.withLock { $0.take() }?()
    }
}

/// What a fair stage, its handler on the loop and its turns share.
final class FairStageCore<Client: Hashable & Sendable, Event: Sendable>: Sendable {
    struct State {
        var queue: FairQueue<Client, Event>
        var registration: EventRegistration?
        /// How many have their turn.
        var turns = 0
    }

    let loop: EventLoop
    let state: Guarded<State>
    private let most: Int
    private let meter: StageMeter
    private let clock: @Sendable () -> UInt64
    private let handler: @Sendable (Event, FairTurn) -> Void

    init(
        _ loop: EventLoop, _ limits: FairLimits, _ rule: @escaping @Sendable (UInt64) -> AdmissionRule,
        _ meter: StageMeter, _ clock: @escaping @Sendable () -> UInt64,
        _ handler: @escaping @Sendable (Event, FairTurn) -> Void
    ) {
        self.loop = loop
        most = limits.turns
        self.meter = meter
        self.clock = clock
        self.handler = handler
        state = Guarded(State(queue: FairQueue(limits: limits, rule: rule)))
    }

    func submit(_ event: Event, _ client: Client) -> Admission {
        let now = clock()
        let (admission, mustSignal) = state.withLock { state -> (Admission, EventRegistration?) in
            meter.arrive()
            guard let registration = state.registration else {
                meter.refuse()
                return (.refused(.ended), nil)
            }
            let admission = state.queue.submit(event, from: client, at: now)
            guard admission == .admitted else {
                meter.refuse()
                return (admission, nil)
            }
            meter.setQueueLength(state.queue.count)
            // Whoever ends a turn signals again.
            return (admission, state.turns < most ? registration : nil)
        }
        if let mustSignal { loop.signal(mustSignal) }
        return admission
    }

    /// One wake-up, on the loop's thread: as many events as there are turns.
    func handle() {
        for _ in 0..<most {
            let start = clock()
            let next = state.withLock { state -> (Client, Event, UInt64)? in
                guard state.turns < most, let (client, event, arrival) = state.queue.take() else {
                    return nil
                }
                state.turns += 1
                meter.setQueueLength(state.queue.count)
                meter.wait(nanoseconds: start >= arrival ? start - arrival : 0)
                return (client, event, arrival)
            }
            guard let (client, event, arrival) = next else { break }
            handler(event, FairTurn { [self] in finish(client, arrival, start) })
        }
        meter.finishBatch(limit: most)
    }

    private func finish(_ client: Client, _ arrival: UInt64, _ start: UInt64) {
        let now = clock()
        let mustSignal = state.withLock { state -> EventRegistration? in
            state.turns -= 1
            state.queue.finish(client, nanoseconds: now >= arrival ? now - arrival : 0, at: now)
            meter.complete(nanoseconds: now >= start ? now - start : 0)
            return state.queue.count > 0 ? state.registration : nil
        }
        if let mustSignal { loop.signal(mustSignal) }
    }
}
