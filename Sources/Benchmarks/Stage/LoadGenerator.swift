internal import HostSystem
internal import LoadCurves

/// Asks a machine for its status over several connections, all from one thread that never waits.
struct LoadGenerator {
    /// How requests come.
    enum Arrivals {
        /// So many of each connection are always under way: what the machine can do.
        case closed(depth: Int)
        /// So many a second, evenly spaced, whatever comes of them. One that no connection takes is refused:
        /// it costs the machine nothing, and is not tried again.
        case open(perSecond: Double)
    }

    /// What came of it, in the measured time.
    struct Outcome {
        let seconds: Double
        var offered = 0
        /// Here, because no socket took them.
        var refused = 0
        var results = 0
        var errors = 0
        /// Of requests that were due in the measured time, however late their answers came.
        var times = LatencyHistogram()
        var mostUnderWay = 0
        /// From the first to the last, before and after the measured time too.
        var answers = 0

        /// - Parameter cpu: what the machine spent on all of them, in milliseconds.
        func point(load: Double, cpuMilliseconds cpu: Double) -> LoadPoint {
            LoadPoint(
                load: load, offered: Double(offered) / seconds, throughput: Double(results) / seconds,
                refused: Double(refused + errors) / seconds, median: times.percentile(0.5),
                ninetieth: times.percentile(0.9), ninetyNinth: times.percentile(0.99),
                cost: UInt64(exactly: (cpu * 1e6 / Double(answers)).rounded()))
        }
    }

    private let connections: [LoadConnection]
    private var turn = 0

    /// Seconds at a load before the measured ones.
    private static let warmUp = 0.2
    /// Seconds in which the last answers must come.
    private static let patience = 10.0

    init(to path: String, connections count: Int) throws(SystemError) {
        var connections: [LoadConnection] = []
        for _ in 0..<count { connections.append(try LoadConnection(to: path)) }
        self.connections = connections
    }

    /// Runs for so long, and until all is answered.
    mutating func run(_ arrivals: Arrivals, seconds: Double) throws -> Outcome {
        var outcome = Outcome(seconds: seconds)
        let start = HostClock.monotonicNanoseconds()
        let first = start + UInt64(Self.warmUp * 1e9)
        let end = first + UInt64(seconds * 1e9)
        let last = end + UInt64(Self.patience * 1e9)
        var schedule = Schedule(start: start, first: first, end: end)
        var events = PollSet()
        while true {
            let now = HostClock.monotonicNanoseconds()
            if now < end {
                switch arrivals {
                case .closed(let depth): try refill(to: depth, now, first, &outcome)
                case .open(let rate):
                    try begin(schedule.takeDue(at: now, perSecond: rate), schedule, rate, &outcome)
                }
            }
            let underWay = connections.reduce(0) { $0 + $1.underWay }
            outcome.mostUnderWay = max(outcome.mostUnderWay, underWay)
            if now >= end, underWay == 0 { return outcome }
            guard now < last else {
                throw BenchmarkError.contestant(
                    "the control socket", "left \(underWay) requests without an answer")
            }
            events.removeAll()
            for connection in connections {
                var interest: Readiness = connection.isBlocked ? .writable : []
                if connection.underWay > 0 { interest.insert(.readable) }
                events.watch(connection.descriptor.number, for: interest)
            }
            // It does not sleep: a request is due within microseconds.
            guard try events.wait(timeoutMilliseconds: 0) else { continue }
            for connection in connections {
                let readiness = events.readiness(of: connection.descriptor.number)
                if readiness.contains(.writable) { try connection.flush() }
                guard !readiness.isDisjoint(with: [.readable, .hangup, .error]) else { continue }
                let time = HostClock.monotonicNanoseconds()
                try connection.receive { answer in
                    outcome.answers += 1
                    if time >= first, time < end {
                        if answer.isResult { outcome.results += 1 } else { outcome.errors += 1 }
                    }
                    if answer.due >= first, answer.isResult {
                        outcome.times.record(nanoseconds: time - min(answer.due, time))
                    }
                }
            }
        }
    }

    private func refill(to depth: Int, _ now: UInt64, _ first: UInt64, _ outcome: inout Outcome) throws {
        for connection in connections {
            let count = min(depth - connection.underWay, connection.room)
            guard count > 0 else { continue }
            if now >= first { outcome.offered += count }
            try connection.send(due: repeatElement(now, count: count))
        }
    }

    private mutating func begin(
        _ numbers: Range<UInt64>, _ schedule: Schedule, _ rate: Double, _ outcome: inout Outcome
    ) throws {
        outcome.offered += numbers.count { schedule.isMeasured($0, rate) }
        var rest = numbers
        while !rest.isEmpty {
            // Spread over all, as many at a time as make it even.
            let share = (rest.count + connections.count - 1) / connections.count
            let places = connections.indices.map { (turn + $0) % connections.count }
            guard let place = places.first(where: { connections[$0].room > 0 }) else { break }
            turn = (place + 1) % connections.count
            let count = UInt64(min(share, connections[place].room))
            let part = rest.prefix(Int(count))
            try connections[place].send(due: part.map { schedule.due($0, rate) })
            rest = rest.dropFirst(Int(count))
        }
        outcome.refused += rest.count { schedule.isMeasured($0, rate) }
    }
}

/// When the requests of an even rate are due, counted from 0.
private struct Schedule {
    let start: UInt64
    let first: UInt64
    let end: UInt64
    private var next: UInt64 = 0

    init(start: UInt64, first: UInt64, end: UInt64) {
        (self.start, self.first, self.end) = (start, first, end)
    }

    func due(_ number: UInt64, _ rate: Double) -> UInt64 { start + UInt64(Double(number) * 1e9 / rate) }

    func isMeasured(_ number: UInt64, _ rate: Double) -> Bool {
        let time = due(number, rate)
        return time >= first && time < end
    }

    /// Those that are due and were not taken.
    mutating func takeDue(at now: UInt64, perSecond rate: Double) -> Range<UInt64> {
        let end = max(next, UInt64(Double(now - start) * rate / 1e9) + 1)
        defer { next = end }
        return next..<end
    }
}
