internal import HostSystem

/// How many connections there are, of each client and of all.
final class ConnectionCount: Sendable {
    private let counts = Guarded<[APIClient: Int]>([:])

    /// Counts one more.
    ///
    /// - Returns: false if that would be too many.
    func enter(_ client: APIClient) -> Bool {
        counts.withLock { counts in
            let all = counts.values.reduce(0, +)
            let own = counts[client] ?? 0
            guard all < APILoad.connections, own < APILoad.connectionsOfClient else { return false }
            counts[client] = own + 1
            return true
        }
    }

    /// One is gone.
    func leave(_ client: APIClient) {
        counts.withLock { counts in
            let own = counts[client] ?? 0
            counts[client] = own > 1 ? own - 1 : nil
        }
    }
}
