/// A tree as flat arrays, so that dividing 10,000 VMs follows no reference.
///
/// Nodes stand layer by layer from the root, node 0; the members of a pool stand side by side, its pools
/// first, each kind in the order of names. So a pool's number is less than its members'.
struct TreeLayout: Sendable {
    /// The pool around a node, by its node; the root's is the root.
    var parent: [Int] = [0]
    /// A node's members; empty for a VM.
    var members: [Range<Int>] = [0..<0]
    var shares: [UInt64] = [1]
    var reservation: [Int64] = [0]
    /// A VM's limit or virtual CPUs, a pool's limit.
    var ceiling: [Int64] = [TreeLayout.unlimited]
    var isExpandable: [Bool] = [true]
    /// The nodes of pools, the root's first.
    var poolNodes: [Int] = [0]
    /// By place in `ResourceTree.pools`, and one more for the root before all.
    var nodeOfPool: [Int] = [0]
    /// By place in `ResourceTree.virtualMachines`.
    var nodeOfVM: [Int] = []
    /// The place in `ResourceTree.pools` plus 1, or in `ResourceTree.virtualMachines`.
    var memberOfNode: [Int] = [0]
    var isPool: [Bool] = [true]

    /// More than any sum.
    static let unlimited = Int64.max

    var count: Int { parent.count }

    /// - Parameters:
    ///   - pools: in order of path.
    ///   - virtualMachines: in order of name.
    ///   - poolOfVM: for each VM the place of its pool plus 1, or 0 for the root.
    init(pools: [PoolEntry], virtualMachines: [VMEntry], poolOfVM: [Int]) {
        var childPools = Array(repeating: [Int](), count: pools.count + 1)
        var childVMs = Array(repeating: [Int](), count: pools.count + 1)
        // In order of path a pool comes right after its parent or after others within that parent: the
        // pools that are open here.
        var open: [Int] = [0]
        for (place, pool) in pools.enumerated() {
            open.removeLast(open.count - pool.path.components.count)
            childPools[open[open.count - 1]].append(place + 1)
            open.append(place + 1)
        }
        for (place, pool) in poolOfVM.enumerated() { childVMs[pool].append(place) }

        nodeOfPool = Array(repeating: 0, count: pools.count + 1)
        nodeOfVM = Array(repeating: 0, count: virtualMachines.count)
        var next = 0
        while next < poolNodes.count {
            let node = poolNodes[next]
            let pool = memberOfNode[node]
            next += 1
            let first = count
            for child in childPools[pool] {
                nodeOfPool[child] = count
                poolNodes.append(count)
                append(parent: node, isPool: true, member: child)
                set(count - 1, pools[child - 1].settings)
            }
            for vm in childVMs[pool] {
                nodeOfVM[vm] = count
                append(parent: node, isPool: false, member: vm)
                set(count - 1, virtualMachines[vm].settings)
            }
            members[node] = first..<count
        }
    }

    private mutating func append(parent node: Int, isPool: Bool, member: Int) {
        parent.append(node)
        members.append(0..<0)
        shares.append(1)
        reservation.append(0)
        ceiling.append(0)
        isExpandable.append(isPool)
        memberOfNode.append(member)
        self.isPool.append(isPool)
    }

    /// Writes a pool's settings into its node.
    mutating func set(_ node: Int, _ settings: PoolSettings) {
        shares[node] = UInt64(settings.cpu.shares.poolCount)
        reservation[node] = settings.cpu.reservation.microCPUs
        ceiling[node] = settings.cpu.limit?.microCPUs ?? Self.unlimited
        isExpandable[node] = settings.isExpandable
    }

    /// Writes a VM's settings into its node.
    mutating func set(_ node: Int, _ settings: VMSettings) {
        shares[node] = UInt64(settings.cpu.shares.count(virtualCPUs: settings.virtualCPUs))
        reservation[node] = settings.cpu.reservation.microCPUs
        ceiling[node] = settings.ceiling.microCPUs
    }
}
