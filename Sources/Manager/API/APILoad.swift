internal import Stages

/// Who asks: requests of a client are answered in turns with those of others.
enum APIClient: Hashable, Sendable {
    /// A process, by its number: all its connections are one client.
    case process(Int32)
    /// A connection, where the kernel does not tell the process (it is in another PID namespace).
    case connection(ObjectIdentifier)
}

/// How much of the API's work is taken on.
enum APILoad {
    /// One turn: while it lasts, who was answered just now can come back.
    static let limits = FairLimits(clients: 64, events: 256, turns: 1)
    /// Connections of one client, and of all.
    static let connectionsOfClient = 64
    static let connections = 512
    /// Journals that are being sent at a time, to all clients. Each may keep some megabytes.
    static let journalReaders = 4

    /// The 90th percentile of the time from a request's arrival to the end of its answer that is aimed at, in
    /// nanoseconds.
    private static let target: UInt64 = 20_000_000

    /// The rule for one client's requests.
    @Sendable static func rule(at now: UInt64) -> AdmissionRule {
        AdmissionRule(
            queueLimit: 32, target: ResponseTarget(nanoseconds: target, rates: 100...100_000, at: now))
    }
}
