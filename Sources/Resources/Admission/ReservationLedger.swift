/// What is reserved in each pool, and out of what.
///
/// A pool that is not expandable has its own reservation for its members, and asks just that of its parent.
/// One that is expandable asks its parent for its own reservation or for its members', whichever is more;
/// its members' may go up to its limit.
public struct ReservationLedger: Sendable {
    /// What bounds the reservations in a pool.
    public enum Source: Sendable, Equatable {
        /// The capacity of the host.
        case host
        /// The pool's own reservation; it is not expandable.
        case reservation
        /// The pool's limit.
        case limit
        /// Only what the pools around it have.
        case parent
    }

    /// One pool's figures.
    public struct Account: Sendable, Equatable {
        /// The pool.
        public let pool: PoolPath
        /// What bounds `reserved`.
        public let source: Source
        /// That bound; nil for `.parent`.
        public let available: CPUAmount?
        /// What members reserve in all.
        public let reserved: CPUAmount
        /// What the pool asks of its parent.
        public let asked: CPUAmount

        /// What members can still reserve, as far as this pool is concerned.
        public var unreserved: CPUAmount? { available.map { $0.subtracting(reserved) ?? .zero } }
    }

    private let tree: ResourceTree
    private let capacity: CPUAmount
    // By node.
    private var reserved: [Int64]
    private var asked: [Int64]

    /// The figures of a tree on a host of a capacity.
    public init(_ tree: ResourceTree, capacity: CPUAmount) {
        self.tree = tree
        self.capacity = capacity
        let layout = tree.layout
        reserved = Array(repeating: 0, count: layout.count)
        asked = layout.reservation
        for node in stride(from: layout.count - 1, to: 0, by: -1) {
            if layout.isPool[node], layout.isExpandable[node] {
                asked[node] = max(asked[node], reserved[node])
            }
            reserved[layout.parent[node]] += asked[node]
        }
        asked[0] = reserved[0]
    }

    /// The account of a pool, or of the root; nil if there is no such pool.
    public subscript(pool: PoolPath) -> Account? {
        guard let node = tree.layout.node(of: pool, in: tree) else { return nil }
        let source: Source
        let available: CPUAmount?
        if pool.isRoot {
            (source, available) = (.host, capacity)
        } else if !tree.layout.isExpandable[node] {
            (source, available) = (.reservation, CPUAmount(clamping: tree.layout.reservation[node]))
        } else if tree.layout.ceiling[node] != TreeLayout.unlimited {
            (source, available) = (.limit, CPUAmount(clamping: tree.layout.ceiling[node]))
        } else {
            (source, available) = (.parent, nil)
        }
        return Account(
            pool: pool, source: source, available: available, reserved: CPUAmount(clamping: reserved[node]),
            asked: CPUAmount(clamping: asked[node]))
    }

    /// Whether all reservations can be met at once.
    public var isSound: Bool {
        ([PoolPath.root] + tree.pools.map(\.path)).allSatisfy { path in
            guard let account = self[path], let available = account.available else { return true }
            return account.reserved <= available
        }
    }
}
