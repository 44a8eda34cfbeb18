extension ResourceTree {
    /// Makes a change if all reservations that can be met now can be met with it, too.
    ///
    /// What makes nothing worse is always let through: also where too much is reserved already, since
    /// the host has lost CPUs, a VM may end or lower its reservation.
    ///
    /// - Parameter capacity: what the host has for VMs.
    /// - Throws: what does not fit together, or the refusal with its arithmetic; then nothing has changed.
    public mutating func admit(_ change: TreeChange, capacity: CPUAmount) throws(ChangeError) {
        var next = self
        do { try next.apply(change) } catch { throw .tree(error) }
        if let refusal = AdmissionRefusal(change, from: self, to: next, capacity: capacity) {
            throw .refused(refusal)
        }
        self = next
    }
}

/// Why a tree does not change.
public enum ChangeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The members do not fit together.
    case tree(TreeError)
    /// Reservations could not all be met.
    case refused(AdmissionRefusal)

    /// A sentence, with the arithmetic.
    public var description: String {
        switch self {
        case .tree(let error): error.description
        case .refused(let refusal): refusal.description
        }
    }
}

/// A member of a pool.
public enum TreeMember: Hashable, Sendable, CustomStringConvertible {
    /// A pool in it.
    case pool(PoolPath)
    /// A VM in it.
    case vm(VMName)

    /// For sentences: `VM 'db'`, `pool 'web'`.
    public var description: String {
        switch self {
        case .pool(let path): path.isRoot ? "the host" : "pool '\(path)'"
        case .vm(let name): "VM '\(name)'"
        }
    }
}

/// A change after which reservations could not all be met, with the arithmetic of the innermost pool that
/// has not enough.
public struct AdmissionRefusal: Error, Equatable, Sendable, CustomStringConvertible {
    /// Who asks.
    public let subject: TreeMember
    /// The subject's own reservation as it was asked for.
    public let wished: CPUAmount
    /// The pool that has not enough.
    public let pool: PoolPath
    /// What bounds it.
    public let source: ReservationLedger.Source
    /// How much that is, after the change.
    public let available: CPUAmount
    /// What members of the pool reserve now.
    public let reserved: CPUAmount
    /// What they would reserve more. It is less than `wished` where a pool between has some left, and zero
    /// where the pool itself is to have less.
    public let asked: CPUAmount

    /// What is not reserved now.
    public var unreserved: CPUAmount { available.subtracting(reserved) ?? .zero }

    /// Nil if the change does not make matters worse anywhere.
    init?(_ change: TreeChange, from old: ResourceTree, to new: ResourceTree, capacity: CPUAmount) {
        let place: PoolPath?
        switch change {
        case .addPool(let entry), .setPool(let entry):
            (subject, wished, place) = (.pool(entry.path), entry.settings.cpu.reservation, entry.path)
        case .addVM(let entry):
            (subject, wished, place) = (.vm(entry.name), entry.settings.cpu.reservation, entry.pool)
        case .setVM(let name, _), .moveVM(let name, _):
            let entry = new[name]
            (subject, wished, place) = (.vm(name), entry?.settings.cpu.reservation ?? .zero, entry?.pool)
        case .removePool, .removeVM:
            return nil
        }
        let before = ReservationLedger(old, capacity: capacity)
        let after = ReservationLedger(new, capacity: capacity)
        var next = place
        while let pool = next {
            next = pool.parent
            guard let account = after[pool], let available = account.available,
                account.reserved > available
            else { continue }
            let past = before[pool]
            let pastReserved = past?.reserved ?? .zero
            let pastExcess = past?.available.flatMap { pastReserved.subtracting($0) } ?? .zero
            let excess = account.reserved.subtracting(available) ?? .zero
            guard excess > pastExcess else { continue }
            self.pool = pool
            source = account.source
            self.available = available
            reserved = pastReserved
            asked = account.reserved.subtracting(pastReserved) ?? .zero
            return
        }
        return nil
    }

    /// A sentence with the arithmetic.
    public var description: String {
        let asks =
            asked == .zero
            ? "\(subject) cannot change so"
            : asked < wished
                ? "\(subject) asks for a reservation of \(cpus(wished)), \(asked) more than is reserved on its way"
                : "\(subject) asks for a reservation of \(cpus(wished))"
        let place =
            switch source {
            case .host, .parent: "the host has \(cpus(available)) for VMs"
            case .reservation: "pool '\(pool)', not expandable, has \(cpus(available)) reserved"
            case .limit: "pool '\(pool)' is limited to \(cpus(available))"
            }
        return "\(asks): \(place), \(reserved) of them taken by reservations, \(unreserved) left"
    }
}

extension TreeLayout {
    /// The node of a pool, the root included; nil if there is none.
    func node(of path: PoolPath, in tree: ResourceTree) -> Int? {
        path.isRoot ? 0 : tree.index(of: path).map { nodeOfPool[$0 + 1] }
    }
}
