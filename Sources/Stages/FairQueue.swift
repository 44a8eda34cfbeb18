/// Events of several clients, each with a queue of its own, taken in turns: start-time fair queueing (Goyal, Vin
/// and Cheng, SIGCOMM 1996) with events of equal size.
///
/// A client that comes back after each answer is served as often as one that has many events waiting, as long
/// as it is back within the turn of another. Who waits with nothing saves up nothing.
///
/// A pure value: the time is given to it, in nanoseconds of any clock.
struct FairQueue<Client: Hashable & Sendable, Event> {
    /// A client and what waits of it.
    private struct Line {
        var queue: EventQueue<(Event, UInt64)>
        var rule: AdmissionRule
        /// The virtual time at which its next event starts.
        var start: UInt64 = 0
        /// When it was served last, counted in events; breaks ties.
        var served: UInt64 = 0
        var underWay = 0
    }

    private let limits: FairLimits
    private let makeRule: @Sendable (UInt64) -> AdmissionRule
    private var lines: [Client: Line] = [:]
    /// The virtual time: where the event that was taken last started.
    private var virtualTime: UInt64 = 0
    private var taken: UInt64 = 0
    /// How many events wait, of all clients.
    private(set) var count = 0

    init(limits: FairLimits, rule: @escaping @Sendable (_ now: UInt64) -> AdmissionRule) {
        self.limits = limits
        makeRule = rule
        lines.reserveCapacity(limits.clients)
    }

    /// How many clients are known.
    var clients: Int { lines.count }

    mutating func submit(_ event: Event, from client: Client, at now: UInt64) -> Admission {
        guard count < limits.events else { return .refused(.queueFull) }
        if lines[client] == nil, !makeRoom() { return .refused(.queueFull) }
        let rule = makeRule
        let fresh = {
            let rule = rule(now)
            return Line(queue: EventQueue(capacity: rule.queueLimit), rule: rule)
        }
        let virtualTime = virtualTime
        let admission = Self.change(&lines[client, default: fresh()]) { line -> Admission in
            let admission = line.rule.decide(queueLength: line.queue.count, at: now)
            guard admission == .admitted else { return admission }
            if line.queue.count == 0 { line.start = max(line.start, virtualTime) }
            return line.queue.append((event, now)) ? .admitted : .refused(.queueFull)
        }
        if admission == .admitted { count += 1 }
        return admission
    }

    /// In place: a copy of the queue would be made otherwise.
    private static func change<Result>(_ line: inout Line, _ body: (inout Line) -> Result) -> Result {
        body(&line)
    }

    /// The event whose turn it is.
    mutating func take() -> (client: Client, event: Event, arrival: UInt64)? {
        guard count > 0, let place = next(), let (event, arrival) = lines.values[place].queue.popFirst()
        else { return nil }
        let client = lines.keys[place]
        taken += 1
        count -= 1
        virtualTime = lines.values[place].start
        lines.values[place].start += 1
        lines.values[place].served = taken
        lines.values[place].underWay += 1
        return (client, event, arrival)
    }

    /// Learns that an event is done, and how long that took from its arrival.
    mutating func finish(_ client: Client, nanoseconds: UInt64, at now: UInt64) {
        guard let place = lines.index(forKey: client) else { return }
        lines.values[place].underWay -= 1
        lines.values[place].rule.finish(nanoseconds: nanoseconds, at: now)
    }

    /// Forgets the client that was served the longest ago, if there are too many.
    private mutating func makeRoom() -> Bool {
        guard lines.count >= limits.clients else { return true }
        var oldest: (client: Client, served: UInt64)?
        for (client, line) in lines where line.queue.count == 0 && line.underWay == 0 {
            if oldest.map({ line.served < $0.served }) ?? true { oldest = (client, line.served) }
        }
        guard let oldest else { return false }
        lines[oldest.client] = nil
        return true
    }

    /// The client whose next event starts first; of two, the one that was served the longest ago.
    private func next() -> Dictionary<Client, Line>.Index? {
        var best: (place: Dictionary<Client, Line>.Index, start: UInt64, served: UInt64)?
        for place in lines.indices {
            let line = lines.values[place]
            guard line.queue.count > 0 else { continue }
            if best.map({ (line.start, line.served) < ($0.start, $0.served) }) ?? true {
                best = (place, line.start, line.served)
            }
        }
        return best?.place
    }
}
