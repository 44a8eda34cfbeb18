/// Where busy virtual CPUs belong when there are more of them than host CPUs.
///
/// As in McNaughton's wrap-around rule (Management Science 6, 1959), host CPUs are filled one after the other, and
/// what does not fit whole is split. Most virtual CPUs have a home, and their weights alone divide it; the few that
/// are split go where those at home are ahead of their right, which the controller decides anew at each tick.
struct ProcessorPlan: Equatable {
    /// A busy virtual CPU.
    struct Member: Equatable {
        /// The VM's place in the input.
        let vm: Int
        /// The virtual CPU's place in the VM.
        let virtualCPU: Int
        /// What it should have, in host CPUs, up to 1; all together what there is.
        let right: Double
    }

    /// The virtual CPUs, the greatest right first.
    let members: [Member]
    /// What VMs get of each host CPU: 1, or less where the rest of the host takes some.
    let capacities: [Double]
    /// The host CPU of each; nil if it is split.
    let homes: [Int?]
    /// What those at home on each host CPU should have, together.
    let claimed: [Double]

    /// A plan for members whose rights together do not exceed the capacities.
    ///
    /// - Parameter tolerance: what may be left over, or wanting, on a host CPU before something is split.
    init(_ unsorted: [Member], capacities: [Double], tolerance: Double) {
        // By place where rights are equal: the same input, the same plan.
        members = unsorted.sorted { ($1.right, $0.vm, $0.virtualCPU) < ($0.right, $1.vm, $1.virtualCPU) }
        self.capacities = capacities
        var claimed = [Double](repeating: 0, count: capacities.count)
        var homes: [Int?] = []
        for member in members {
            let roomiest =
                claimed.indices.max { capacities[$0] - claimed[$0] < capacities[$1] - claimed[$1] } ?? 0
            if claimed[roomiest] + member.right <= capacities[roomiest] + tolerance {
                homes.append(roomiest)
                claimed[roomiest] += member.right
            } else {
                homes.append(nil)
            }
        }
        self.claimed = claimed
        self.homes = homes
    }

    /// Whether any is split.
    var hasSplits: Bool { homes.contains(nil) }

    /// The weight of a member, in host CPUs: one that is split gets its right wherever it is, and those at home
    /// divide the rest, or all, by their rights.
    func weight(of index: Int) -> Double {
        let right = members[index].right
        guard hasSplits else { return right }
        if let home = homes[index] { return claimed[home] > 0 ? right / claimed[home] : right }
        let part = right * Double(capacities.count) / max(capacities.reduce(0, +), 0.1)
        return min(part / max(1 - part, 0.05), 20)
    }

    /// Whether it is for the same virtual CPUs with all but the same rights as another.
    func isFor(_ others: [Member]) -> Bool {
        guard members.count == others.count else { return false }
        var rights: [Int: Double] = [:]
        for member in members { rights[member.vm << 16 | member.virtualCPU] = member.right }
        return others.allSatisfy { other in
            guard let right = rights[other.vm << 16 | other.virtualCPU] else { return false }
            return abs(right - other.right) <= 0.02 * right
        }
    }
}
