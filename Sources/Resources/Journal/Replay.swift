/// Repeats a journal's decisions, and finds the first that comes out otherwise.
///
/// A journal is bounded: its start may be gone. Replay begins at the first checkpoint; what stands before it
/// is counted and passed over. Later checkpoints are compared with where the replay has come to.
public struct Replay: Sendable {
    /// The policy as far as it has come; nil before the first checkpoint.
    public private(set) var policy: CPUPolicy?
    /// How many decisions were repeated alike.
    public private(set) var repeated = 0
    /// How many records stood before the first checkpoint.
    public private(set) var passedOver = 0
    private var expected: Decision?

    /// A replay that has read nothing.
    public init() {}

    /// Takes the next record.
    public mutating func take(_ record: JournalRecord) throws(ReplayError) {
        guard policy != nil else {
            if case .checkpoint(let start) = record { policy = start } else { passedOver += 1 }
            return
        }
        if case .decision(let recorded) = record {
            guard let mine = expected else { throw .decisionWithoutObservation(recorded.sequence) }
            expected = nil
            guard mine == recorded else { throw .differs(recorded: recorded, replayed: mine) }
            repeated += 1
            return
        }
        switch record {
        case .checkpoint(let recorded):
            guard recorded == policy else { throw .checkpointDiffers(sequence: recorded.sequence) }
        case .change(let change):
            do { try policy?.apply(change) } catch { throw .changeRefused(error) }
        case .capacity(let capacity): policy?.setCapacity(capacity)
        case .observation(let observation): expected = policy?.decide(observation)
        case .decision: break
        }
    }
}

/// Where a journal is not what a policy does.
public enum ReplayError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A decision comes out otherwise.
    case differs(recorded: Decision, replayed: Decision)
    /// The state at a checkpoint is otherwise.
    case checkpointDiffers(sequence: UInt64)
    /// A change that was made is not possible.
    case changeRefused(ChangeError)
    /// There is a decision, and nothing that it was made upon.
    case decisionWithoutObservation(UInt64)

    /// A sentence that says where, and for a decision which VM differs first.
    public var description: String {
        switch self {
        case .differs(let recorded, let replayed):
            "decision \(recorded.sequence) comes out otherwise: \(Self.difference(recorded, replayed))"
        case .checkpointDiffers(let sequence): "the state after decision \(sequence) comes out otherwise"
        case .changeRefused(let error): "a change that was made is not possible: \(error)"
        case .decisionWithoutObservation(let sequence): "decision \(sequence) has no observation before it"
        }
    }

    private static func difference(_ recorded: Decision, _ replayed: Decision) -> String {
        for (one, other) in zip(recorded.virtualMachines, replayed.virtualMachines) where one != other {
            return "for VM '\(one.name)' demand \(one.demand), entitlement \(one.entitlement), at worst "
                + "\(one.atWorst); replayed for VM '\(other.name)' \(other.demand), \(other.entitlement), "
                + "\(other.atWorst)"
        }
        return recorded.virtualMachines.count == replayed.virtualMachines.count
            ? "number, time, capacity or state of the reservations"
            : "\(recorded.virtualMachines.count) VMs, replayed \(replayed.virtualMachines.count)"
    }
}
