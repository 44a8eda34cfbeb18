internal import ManagerProtocol
internal import Resources

/// The machines and pools of a host, what they may have, and how it came to that: the policy and its journal.
/// A pure value.
struct Fleet {
    /// Bytes of the journal, about: some minutes of fifty machines.
    static let journalLimit = 8 << 20

    private(set) var policy: CPUPolicy
    private(set) var journal: Journal
    /// The latest decision; nil before the first.
    private(set) var decision: Decision?
    /// What it tells of, pools included.
    private(set) var entitlements: Entitlements?

    init(capacity: CPUAmount) {
        policy = CPUPolicy(capacity: capacity)
        journal = Journal(limit: Self.journalLimit, start: policy)
    }

    var tree: ResourceTree { policy.tree }

    /// Makes a change, if reservations allow it.
    mutating func apply(_ change: TreeChange) throws(ManagerProblem) {
        do { try policy.apply(change) } catch { throw ManagerProblem(error) }
        journal.append(.change(change), after: policy)
    }

    /// Makes pools of an earlier manager again; one whose reservation the host has no longer is made without it.
    ///
    /// - Returns: a sentence for each that is not as it was.
    mutating func restore(_ pools: [PoolEntry]) -> [(pool: PoolPath, remark: String)] {
        var remarks: [(pool: PoolPath, remark: String)] = []
        for pool in pools {
            do throws(ManagerProblem) {
                do throws(ManagerProblem) { try apply(.addPool(pool)) } catch {
                    guard error.kind == .admissionRefused else { throw error }
                    remarks.append((pool.path, "pool \(pool.path) has lost its reservation: \(error)"))
                    let settings = pool.settings.withoutReservation
                    try apply(.addPool(PoolEntry(path: pool.path, settings: settings)))
                }
            } catch {
                remarks.append((pool.path, "pool \(pool.path): \(error)"))
            }
        }
        return remarks
    }

    /// Gives a machine other settings and another pool, if reservations allow it; all or nothing.
    mutating func change(_ name: VMName, to settings: VMSettings, in pool: PoolPath) throws(ManagerProblem) {
        guard let before = tree[name] else { throw ManagerProblem(.tree(.unknownVM(name))) }
        for change in try changes(of: name, to: settings, in: pool) {
            do throws(ManagerProblem) { try apply(change) } catch {
                // Back: it was admitted so before.
                for change in try changes(of: name, to: before.settings, in: before.pool) {
                    try apply(change)
                }
                throw error
            }
        }
    }

    private func changes(
        of name: VMName, to settings: VMSettings, in pool: PoolPath
    ) throws(ManagerProblem) -> [TreeChange] {
        do { return try tree.changes(of: name, to: settings, in: pool) } catch {
            throw ManagerProblem(.tree(error))
        }
    }

    /// Says that the host has another capacity.
    mutating func setCapacity(_ capacity: CPUAmount) {
        guard capacity != policy.capacity else { return }
        policy.setCapacity(capacity)
        journal.append(.capacity(capacity), after: policy)
    }

    /// Decides on an observation.
    mutating func decide(_ observation: Observation) -> Decision {
        let (decision, entitlements) = policy.decideWithEntitlements(observation)
        journal.append(.observation(observation), .decision(decision), after: policy)
        self.decision = decision
        self.entitlements = entitlements
        return decision
    }
}

extension PoolSettings {
    /// The same shares and limit, and nothing reserved.
    fileprivate var withoutReservation: PoolSettings {
        PoolSettings(cpu: cpu.withoutReservation, isExpandable: isExpandable)
    }
}

extension CPUAllocation {
    /// The same shares and limit alone.
    var withoutReservation: CPUAllocation {
        (try? CPUAllocation(shares: shares, limit: limit)) ?? .normal
    }
}

extension ManagerProblem {
    init(_ error: ChangeError) {
        switch error {
        case .refused(let refusal): self.init(.admissionRefused, refusal.description)
        case .tree(let error):
            let kind: Kind =
                switch error {
                case .unknownParent, .unknownPool: .noSuchPool
                case .unknownVM: .noSuchMachine
                case .duplicatePool, .duplicateVM: .exists
                case .poolNotEmpty: .notEmpty
                case .rootIsFixed: .invalid
                case .tooManyPools, .tooManyVMs: .overloaded
                }
            self.init(kind, error.description)
        }
    }
}
