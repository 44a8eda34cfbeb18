/// How a pool's amount was divided among its members.
public enum DivisionRule: UInt8, Sendable, Equatable {
    /// There is enough: everyone has what it wants.
    case enough
    /// By shares, nobody below its reservation and nobody above what it wants.
    case shares
    /// There is not even enough for the reservations: by shares, nobody above its reservation.
    case reservations
}

/// What every VM and every pool of a tree may have.
public struct Entitlements: Sendable {
    /// The tree that was divided.
    public let tree: ResourceTree
    /// What was divided.
    public let capacity: CPUAmount
    // By node.
    let demand: [Int64]
    let want: [Int64]
    let claim: [Int64]
    let granted: [Int64]
    let price: [UInt64]
    let rule: [DivisionRule]

    /// The entitlement of a VM by its place in `tree.virtualMachines`.
    public subscript(vm: Int) -> CPUAmount { CPUAmount(clamping: granted[tree.layout.nodeOfVM[vm]]) }

    /// The entitlement of a VM; nil if it is not in the tree.
    public subscript(name: VMName) -> CPUAmount? { tree.index(of: name).map { self[$0] } }

    /// The entitlement of a pool; nil if it is not in the tree.
    public subscript(path: PoolPath) -> CPUAmount? {
        tree.layout.node(of: path, in: tree).map { CPUAmount(clamping: granted[$0]) }
    }

    /// Whether reservations that are wanted now could not all be met: the capacity fell, or something was
    /// never admitted.
    public var reservationsAreMet: Bool { !rule.contains(.reservations) }
}
