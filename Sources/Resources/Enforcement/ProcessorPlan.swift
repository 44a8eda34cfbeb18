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
        /// The host CPU of an earlier plan at which it was at home; nil if it was at none.
        var before: Int?
    }

    /// The virtual CPUs, the greatest right first.
    let members: [Member]
    /// What VMs get of each host CPU: 1, or less where the rest of the host takes some.
    let capacities: [Double]
    /// The host CPU of each; nil if it is split.
    let homes: [Int?]
    /// What those at home on each host CPU should have, together.
    let claimed: [Double]
    /// How many are split.
    private let splits: Int

    /// A plan for members whose rights together do not exceed the capacities. If no more have to be split for that,
    /// everyone stays at home who can: who comes or goes moves no others.
    ///
    /// - Parameter tolerance: what may be left over, or wanting, on a host CPU before something is split.
    init(_ unsorted: [Member], capacities: [Double], tolerance: Double) {
        // By place where rights are equal: the same input, the same plan.
        members = unsorted.sorted { ($1.right, $0.vm, $0.virtualCPU) < ($0.right, $1.vm, $1.virtualCPU) }
        self.capacities = capacities
        let anew = Self.fill(members, capacities, tolerance, keepsHomes: false)
        let kept = Self.fill(members, capacities, tolerance, keepsHomes: true)
        (homes, claimed, splits) = kept.splits <= anew.splits ? kept : anew
    }

    private typealias Filling = (homes: [Int?], claimed: [Double], splits: Int)

    private static func fill(
        _ members: [Member], _ capacities: [Double], _ tolerance: Double, keepsHomes: Bool
    ) -> Filling {
        var filling: Filling = ([], [Double](repeating: 0, count: capacities.count), 0)
        for member in members {
            func hasRoom(_ processor: Int) -> Bool {
                filling.claimed[processor] + member.right <= capacities[processor] + tolerance
            }
            var home =
                capacities.indices.max {
                    capacities[$0] - filling.claimed[$0] < capacities[$1] - filling.claimed[$1]
                } ?? 0
            if keepsHomes, let before = member.before, before < capacities.count, hasRoom(before) {
                home = before
            }
            if hasRoom(home) {
                filling.homes.append(home)
                filling.claimed[home] += member.right
            } else {
                filling.homes.append(nil)
                filling.splits += 1
            }
        }
        return filling
    }

    /// Whether any is split.
    var hasSplits: Bool { splits > 0 }

    /// The weight of a member, in host CPUs: one that is split gets its right wherever it is, and those at home
    /// divide the rest, or all, by their rights.
    func weight(of index: Int) -> Double {
        let right = members[index].right
        guard hasSplits else { return right }
        if let home = homes[index] { return claimed[home] > 0 ? right / claimed[home] : right }
        let part = right * Double(capacities.count) / max(capacities.reduce(0, +), 0.1)
        return min(part / max(1 - part, 0.05), 20)
    }
}
