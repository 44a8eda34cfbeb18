internal import Glibc
internal import HostSystem
internal import LoadCurves

/// Asks a manager for its status as several clients do, all from one thread that never waits.
final class APILoad {
    /// How a client's requests come.
    enum Arrivals {
        /// One on each connection, always.
        case closed
        /// So many a second, evenly spaced, whatever comes of them. One for which no connection is free is dropped:
        /// it costs the manager nothing, and is not tried again.
        case open(perSecond: Double)
    }

    /// What came of one client's requests in the measured time.
    struct Outcome {
        var offered = 0
        /// No connection was free.
        var dropped = 0
        /// Answered 200.
        var served = 0
        /// Answered 503.
        var refused = 0
        /// Answered 200 from the first to the last, before and after the measured time too.
        var servedInAll = 0
        /// From due to answered 200.
        var times = LatencyHistogram()

        /// Of all requests, those that were told to come later.
        var refusedShare: Double { served + refused > 0 ? Double(refused) / Double(served + refused) : 0 }
    }

    private let clients: [[APIConnection]]
    private var polled: [pollfd] = []
    /// Whose connection a place in `polled` is.
    private var owners: [(client: Int, connection: Int)] = []

    /// Seconds before the measured ones, in which the manager learns what it can take.
    private static let warmUp = 0.3
    /// Seconds in which the last answers must come.
    private static let patience = 10.0

    /// Clients with so many connections each.
    init(to path: String, connections: [Int]) throws {
        clients = try connections.map { try APIConnection.ofOneClient($0, to: path) }
        for (client, connections) in clients.enumerated() {
            for (index, connection) in connections.enumerated() {
                polled.append(pollfd(fd: connection.descriptor.number, events: Int16(POLLIN), revents: 0))
                owners.append((client, index))
            }
        }
    }

    /// Runs for so long, and until all is answered.
    ///
    /// - Parameter arrivals: each client's.
    func run(_ arrivals: [Arrivals], seconds: Double) throws -> [Outcome] {
        var outcomes = clients.map { _ in Outcome() }
        var idle = clients.map { Array($0.indices) }
        var begun = clients.map { _ in UInt64(0) }
        let start = HostClock.monotonicNanoseconds()
        let first = start + UInt64(Self.warmUp * 1e9)
        let end = first + UInt64(seconds * 1e9)
        var underWay = 0
        while true {
            let now = HostClock.monotonicNanoseconds()
            if now >= end, underWay == 0 { return outcomes }
            guard now < end + UInt64(Self.patience * 1e9) else {
                throw BenchmarkError.contestant("roostd", "left \(underWay) requests without an answer")
            }
            for client in clients.indices where now < end {
                switch arrivals[client] {
                case .closed:
                    while let free = idle[client].popLast() {
                        if now >= first { outcomes[client].offered += 1 }
                        try clients[client][free].ask(due: now)
                        underWay += 1
                    }
                case .open(let rate):
                    let total = UInt64(Double(now - start) * rate / 1e9) + 1
                    while begun[client] < total {
                        let due = start + UInt64(Double(begun[client]) * 1e9 / rate)
                        begun[client] += 1
                        if due >= first { outcomes[client].offered += 1 }
                        guard let free = idle[client].popLast() else {
                            if due >= first { outcomes[client].dropped += 1 }
                            continue
                        }
                        try clients[client][free].ask(due: due)
                        underWay += 1
                    }
                }
            }
            for place in try readable() {
                let (client, connection) = owners[place]
                guard let (status, due) = try clients[client][connection].receive() else { continue }
                underWay -= 1
                idle[client].append(connection)
                let time = HostClock.monotonicNanoseconds()
                if status == 200 { outcomes[client].servedInAll += 1 }
                guard time >= first, time < end else { continue }
                switch status {
                case 200:
                    outcomes[client].served += 1
                    if due >= first { outcomes[client].times.record(nanoseconds: time - min(due, time)) }
                case 503: outcomes[client].refused += 1
                default: throw BenchmarkError.contestant("roostd", "answered \(status)")
                }
            }
        }
    }

    /// The places of those that have something to read.
    private func readable() throws -> [Int] {
        // SAFETY: the array is one block of so many structures.
        let count = unsafe poll(&polled, nfds_t(polled.count), 0)
        guard count >= 0 || errno == EINTR else { throw SystemError("wait for answers", number: errno) }
        return count > 0 ? polled.indices.filter { polled[$0].revents != 0 } : []
    }
}
