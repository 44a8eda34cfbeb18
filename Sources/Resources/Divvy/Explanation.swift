/// Why a VM is entitled to what it is: the arithmetic, pool by pool from the root.
public struct Explanation: Sendable, Equatable {
    /// What bounds a VM's wish.
    public enum Bound: Sendable, Equatable {
        /// It would not use more.
        case demand
        /// It may not have more.
        case limit
        /// Its virtual CPUs cannot use more.
        case virtualCPUs
    }

    /// What decided a member's part of its pool.
    public enum Outcome: Sendable, Equatable {
        /// There is enough for everyone's wish.
        case enoughForAll
        /// Its shares: neither bound was reached.
        case shares
        /// Its shares are worth more than it wants.
        case wish
        /// Its shares are worth less than its reservation.
        case reservation
        /// Not even the reservations can be met; by shares, up to its reservation.
        case reservationsExceedCapacity
    }

    /// Another member of a pool.
    public struct Competitor: Sendable, Equatable {
        /// Who it is.
        public let member: TreeMember
        /// Its shares.
        public let shares: Int
        /// What it wants.
        public let want: CPUAmount
        /// What it gets.
        public let granted: CPUAmount
    }

    /// One pool's division, as far as it concerns the VM.
    public struct Step: Sendable, Equatable {
        /// The pool whose amount is divided.
        public let pool: PoolPath
        /// The member that is the VM, or that the VM is in.
        public let member: TreeMember
        /// What is divided.
        public let amount: CPUAmount
        /// What all members want.
        public let allWant: CPUAmount
        /// What of that is reserved.
        public let allReserved: CPUAmount
        /// The member's shares.
        public let shares: Int
        /// The shares of the member and of all others that want anything.
        public let allShares: Int
        /// What the member wants.
        public let want: CPUAmount
        /// What of that is reserved for it.
        public let reserved: CPUAmount
        /// What its shares are worth before any bound; nil if there is enough for all.
        public let fairPart: CPUAmount?
        /// What it gets.
        public let granted: CPUAmount
        /// What decided that.
        public let outcome: Outcome
        /// How many others want anything.
        public let competitorCount: Int
        /// Of these the ones that get most, at most `Explanation.mostCompetitors`.
        public let competitors: [Competitor]

        /// What it gets by reservation.
        public var reservationPart: CPUAmount { min(reserved, granted) }
        /// What it gets beyond.
        public var sharePart: CPUAmount { granted.subtracting(reserved) ?? .zero }
    }

    /// How many competitors a step names.
    public static let mostCompetitors = 5

    /// The VM.
    public let vm: VMName
    /// Its settings.
    public let settings: VMSettings
    /// What it would use.
    public let demand: CPUAmount
    /// What it wants: its demand within its limit and its virtual CPUs.
    public let want: CPUAmount
    /// What bounds `want`.
    public let bound: Bound
    /// What it may have.
    public let entitlement: CPUAmount
    /// From the root to the VM's pool.
    public let steps: [Step]
}

extension Entitlements {
    /// Why a VM may have what it may have; nil if it is not in the tree.
    public func explain(_ name: VMName) -> Explanation? {
        guard let place = tree.index(of: name) else { return nil }
        let layout = tree.layout
        let entry = tree.virtualMachines[place]
        let node = layout.nodeOfVM[place]
        var way = [node]
        while let last = way.last, last != 0 { way.append(layout.parent[last]) }
        way.reverse()
        let settings = entry.settings
        let bound: Explanation.Bound =
            demand[node] <= layout.ceiling[node]
            ? .demand
            : settings.cpu.limit.map { $0 <= .cpus(settings.virtualCPUs) } ?? false ? .limit : .virtualCPUs
        return Explanation(
            vm: name, settings: settings, demand: CPUAmount(clamping: demand[node]),
            want: CPUAmount(clamping: want[node]), bound: bound, entitlement: self[place],
            steps: zip(way, way.dropFirst()).map { step(pool: $0, member: $1) })
    }

    private func step(pool: Int, member: Int) -> Explanation.Step {
        let layout = tree.layout
        let members = layout.members[pool]
        let wanting = members.filter { want[$0] > 0 }
        let others = wanting.filter { $0 != member }
        let largest = others.sorted { (granted[$0], $1) > (granted[$1], $0) }
        let fair = FairPrice.part(shares: layout.shares[member], price: price[pool])
        let outcome: Explanation.Outcome =
            switch rule[pool] {
            case .enough: .enoughForAll
            case .reservations: .reservationsExceedCapacity
            // A part may be 1 more than its worth, to make the sum exact.
            case .shares where fair < UInt64(claim[member]) && granted[member] == claim[member]: .reservation
            case .shares where fair >= UInt64(want[member]): .wish
            case .shares: .shares
            }
        return Explanation.Step(
            pool: poolPath(pool), member: treeMember(member), amount: CPUAmount(clamping: granted[pool]),
            allWant: sum(members, want), allReserved: sum(members, claim), shares: Int(layout.shares[member]),
            allShares: others.reduce(Int(layout.shares[member])) { $0 + Int(layout.shares[$1]) },
            want: CPUAmount(clamping: want[member]), reserved: CPUAmount(clamping: claim[member]),
            fairPart: rule[pool] == .enough ? nil : CPUAmount(clamping: Int64(clamping: fair)),
            granted: CPUAmount(clamping: granted[member]), outcome: outcome, competitorCount: others.count,
            competitors: largest.prefix(Explanation.mostCompetitors).map { node in
                Explanation.Competitor(
                    member: treeMember(node), shares: Int(layout.shares[node]),
                    want: CPUAmount(clamping: want[node]), granted: CPUAmount(clamping: granted[node]))
            })
    }

    private func sum(_ nodes: Range<Int>, _ amounts: [Int64]) -> CPUAmount {
        CPUAmount(clamping: amounts[nodes].reduce(0, &+))
    }

    private func poolPath(_ node: Int) -> PoolPath {
        node == 0 ? .root : tree.pools[tree.layout.memberOfNode[node] - 1].path
    }

    private func treeMember(_ node: Int) -> TreeMember {
        tree.layout.isPool[node]
            ? .pool(poolPath(node)) : .vm(tree.virtualMachines[tree.layout.memberOfNode[node]].name)
    }
}
