public import HostSystem

/// Events wait in a queue of bounded length; a handler on an event loop takes them in batches (Welsh,
/// Culler and Brewer, SOSP 2001).
///
/// Whoever has an event learns at once whether it is taken: under overload the stage works at its peak,
/// its memory and its waiting times stay bounded, and the rest is refused. Submitting allocates nothing
/// and never blocks.
public final class Stage<Event: Sendable>: Sendable {
    private let core: StageCore<Event>
    private let registration: EventRegistration

    /// A stage on a loop.
    ///
    /// - Parameters:
    ///   - clock: nanoseconds; that of the host but in tests.
    ///   - handler: takes a batch, of one event at least, on the loop's thread. It never blocks.
    public init(
        on loop: EventLoop, rule: AdmissionRule, batch: BatchController = BatchController(),
        meter: StageMeter, clock: @escaping @Sendable () -> UInt64 = { HostClock.monotonicNanoseconds() },
        handler: @escaping @Sendable ([Event]) -> Void
    ) {
        let core = StageCore(loop, rule, batch, meter, clock, handler)
        let registration = loop.watchSignals { core.handleBatch() }
        core.state.withLock { $0.registration = registration }
        self.core = core
        self.registration = registration
    }

    deinit {
        end()
    }

    /// How many events wait.
    public var queueLength: Int { core.state.withLock { $0.queue.count } }

    /// Gives the stage an event, if it takes it. From any thread.
    @discardableResult
    public func submit(_ event: Event) -> Admission { core.submit(event) }

    /// Changes the limit on events a second; nil is none. From any thread.
    public func changeRate(_ perSecond: UInt64?) {
        let now = core.clock()
        core.state.withLock { state in
            guard let perSecond else { return state.rule.rate = nil }
            if state.rule.rate == nil { state.rule.rate = TokenBucket(rate: perSecond, at: now) }
            state.rule.rate?.change(rate: perSecond, at: now)
        }
    }

    /// Ends the stage: it takes no more, and what waits is dropped. From any thread; a batch may be under
    /// way if that is not the loop's.
    public func end() {
        core.loop.unwatch(registration)
        let dropped = core.state.withLock { state -> EventQueue<(Event, UInt64)> in
            state.registration = nil
            defer { state.queue = EventQueue(capacity: 1) }
            return state.queue
        }
        // Events may hold what ends with them: outside the lock.
        _ = consume dropped
    }
}

/// What a stage and its handler on the loop share.
final class StageCore<Event: Sendable>: Sendable {
    struct State {
        var queue: EventQueue<(Event, UInt64)>
        var rule: AdmissionRule
        /// Nil once the stage has ended.
        var registration: EventRegistration?
        /// Whether the loop was told of events, and has not found the queue empty since.
        var isScheduled = false
    }

    /// What only the loop's thread touches; its lock is always free.
    struct Work {
        var batch: [Event] = []
        var arrivals: [UInt64] = []
        var controller: BatchController
        /// When the batch before ended, if it left events behind.
        var lastEnd: UInt64?
    }

    let loop: EventLoop
    let state: Guarded<State>
    let clock: @Sendable () -> UInt64
    private let work: Guarded<Work>
    private let meter: StageMeter
    private let handler: @Sendable ([Event]) -> Void

    init(
        _ loop: EventLoop, _ rule: AdmissionRule, _ batch: BatchController, _ meter: StageMeter,
        _ clock: @escaping @Sendable () -> UInt64, _ handler: @escaping @Sendable ([Event]) -> Void
    ) {
        self.loop = loop
        self.meter = meter
        self.clock = clock
        self.handler = handler
        state = Guarded(State(queue: EventQueue(capacity: rule.queueLimit), rule: rule))
        var work = Work(controller: batch)
        work.batch.reserveCapacity(batch.maximum)
        work.arrivals.reserveCapacity(batch.maximum)
        self.work = Guarded(work)
    }

    func submit(_ event: Event) -> Admission {
        let now = clock()
        let (admission, mustSignal) = state.withLock { state -> (Admission, EventRegistration?) in
            meter.arrive()
            var admission = state.rule.decide(queueLength: state.queue.count, at: now)
            if state.registration == nil { admission = .refused(.ended) }
            guard admission == .admitted, state.queue.append((event, now)) else {
                meter.refuse()
                return (admission, nil)
            }
            meter.setQueueLength(state.queue.count)
            defer { state.isScheduled = true }
            return (admission, state.isScheduled ? nil : state.registration)
        }
        if let mustSignal { loop.signal(mustSignal) }
        return admission
    }

    /// One wake-up, on the loop's thread.
    func handleBatch() {
        work.withLock { work in
            let start = clock()
            state.withLock { state in
                while work.batch.count < work.controller.size, let (event, arrival) = state.queue.popFirst() {
                    work.batch.append(event)
                    work.arrivals.append(arrival)
                }
                meter.setQueueLength(state.queue.count)
            }
            let count = work.batch.count
            if count > 0 { handler(work.batch) }
            work.batch.removeAll(keepingCapacity: true)
            let end = clock()
            let spent = end >= start ? end - start : 0
            let left = state.withLock { state in
                for arrival in work.arrivals {
                    state.rule.finish(nanoseconds: end >= arrival ? end - arrival : 0, at: end)
                }
                state.isScheduled = state.queue.count > 0
                if state.isScheduled, let registration = state.registration { loop.runAgain(registration) }
                return state.queue.count
            }
            for arrival in work.arrivals {
                meter.wait(nanoseconds: start >= arrival ? start - arrival : 0)
                meter.complete(nanoseconds: spent / UInt64(count))
            }
            work.arrivals.removeAll(keepingCapacity: true)
            // With the way round the loop, which is what a larger batch saves.
            let since = work.lastEnd ?? start
            work.controller.finish(count: count, left: left, nanoseconds: end >= since ? end - since : 0)
            work.lastEnd = left > 0 ? end : nil
            meter.finishBatch(limit: work.controller.size)
        }
    }
}
