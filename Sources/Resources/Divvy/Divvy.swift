/// Divides a host's CPUs among the VMs of a tree.
///
/// Bottom-up, each pool sums up what its members want and what is reserved for them; top-down, each
/// divides what it gets: reservations first, then by shares, nobody more than its limit, its virtual CPUs
/// and its demand (Gulati et al., "VMware Distributed Resource Management", VMware Technical Journal 2012).
/// What one does not want others may have, its reservation too.
///
/// Properties, all exact:
/// - The VMs' entitlements sum up to the capacity or to all that is wanted, whichever is less.
/// - A VM has at least the lesser of its reservation and its demand, if reservations are admitted.
/// - More shares, or more capacity, never take from anyone who gets them.
/// - The order in which a tree was made makes no difference.
///
/// - Parameters:
///   - demands: what each VM would use, in the order of `tree.virtualMachines`; missing ones are zero.
///   - capacity: what there is for VMs.
public func divvy(_ tree: ResourceTree, demands: [CPUAmount], capacity: CPUAmount) -> Entitlements {
    let layout = tree.layout
    var demand = Array(repeating: Int64(0), count: layout.count)
    for (node, amount) in zip(layout.nodeOfVM, demands) { demand[node] = amount.microCPUs }

    // Bottom-up. A pool's sums are complete when its node is reached, since its members come later.
    var allWant = Array(repeating: Int64(0), count: layout.count)
    var allClaim = allWant
    var want = allWant
    var claim = allWant
    for node in stride(from: layout.count - 1, through: 0, by: -1) {
        let reserved: Int64
        if layout.isPool[node] {
            demand[node] = allWant[node]
            let own = layout.reservation[node]
            reserved = layout.isExpandable[node] ? max(own, allClaim[node]) : own
        } else {
            reserved = layout.reservation[node]
        }
        want[node] = min(demand[node], layout.ceiling[node])
        claim[node] = min(reserved, want[node])
        if node > 0 {
            allWant[layout.parent[node]] &+= want[node]
            allClaim[layout.parent[node]] &+= claim[node]
        }
    }

    // Top-down.
    var granted = Array(repeating: Int64(0), count: layout.count)
    var price = Array(repeating: UInt64(0), count: layout.count)
    var rule = Array(repeating: DivisionRule.enough, count: layout.count)
    granted[0] = min(capacity.microCPUs, want[0])
    for pool in layout.poolNodes {
        let amount = granted[pool]
        let members = layout.members[pool]
        if amount >= allWant[pool] {
            for node in members { granted[node] = want[node] }
        } else if amount >= allClaim[pool] {
            rule[pool] = .shares
            price[pool] = FairPrice.divide(
                amount, among: members, shares: layout.shares, low: claim, high: want, into: &granted)
        } else {
            rule[pool] = .reservations
            price[pool] = FairPrice.divide(
                amount, among: members, shares: layout.shares, low: nil, high: claim, into: &granted)
        }
    }
    return Entitlements(
        tree: tree, capacity: capacity, demand: demand, want: want, claim: claim, granted: granted,
        price: price, rule: rule)
}

/// As `divvy(_:demands:capacity:)`, with demands by name; VMs that are not named want nothing.
public func divvy(_ tree: ResourceTree, demands: [VMName: CPUAmount], capacity: CPUAmount) -> Entitlements {
    divvy(tree, demands: tree.virtualMachines.map { demands[$0.name] ?? .zero }, capacity: capacity)
}

/// What each VM may have when all VMs want all they can use: the right that a VM has at once when it wakes,
/// and so what weights are set by.
public func divvyAtWorst(_ tree: ResourceTree, capacity: CPUAmount) -> Entitlements {
    divvy(tree, demands: tree.virtualMachines.map(\.settings.ceiling), capacity: capacity)
}
