/// A pool in the tree.
public struct PoolEntry: Hashable, Sendable {
    /// Where it is; not the root, which is the host itself.
    public let path: PoolPath
    /// What it may have.
    public var settings: PoolSettings

    /// An entry.
    public init(path: PoolPath, settings: PoolSettings = .normal) {
        self.path = path
        self.settings = settings
    }
}

/// A running VM in the tree.
public struct VMEntry: Hashable, Sendable {
    /// Who it is.
    public let name: VMName
    /// The pool it is in.
    public var pool: PoolPath
    /// What it may have.
    public var settings: VMSettings

    /// An entry.
    public init(name: VMName, pool: PoolPath = .root, settings: VMSettings) {
        self.name = name
        self.pool = pool
        self.settings = settings
    }
}

/// The pools of a host and the VMs that run in them.
///
/// A pool is found by its path, so there is no cycle and no orphan. The order in which things are added
/// makes no difference: two trees with the same members are equal, and are divided alike.
public struct ResourceTree: Sendable, Equatable {
    /// All pools but the root, in the order of their paths: a pool before those in it.
    public internal(set) var pools: [PoolEntry]
    /// All VMs, in the order of their names. What goes by VM is an array in this order.
    public internal(set) var virtualMachines: [VMEntry]
    /// The same as flat arrays, for the division.
    var layout: TreeLayout

    /// The most pools of a tree, and the most VMs.
    public static let mostMembers = 100_000

    /// A host without pools and without VMs.
    public init() {
        pools = []
        virtualMachines = []
        layout = TreeLayout(pools: [], virtualMachines: [], poolOfVM: [])
    }

    /// A tree of pools and VMs, in any order.
    public init(pools: [PoolEntry], virtualMachines: [VMEntry] = []) throws(TreeError) {
        guard pools.count <= Self.mostMembers else { throw .tooManyPools }
        guard virtualMachines.count <= Self.mostMembers else { throw .tooManyVMs }
        self.pools = pools.sorted { $0.path < $1.path }
        self.virtualMachines = virtualMachines.sorted { $0.name < $1.name }
        layout = TreeLayout(pools: [], virtualMachines: [], poolOfVM: [])
        try rebuild()
    }

    /// Makes the flat arrays anew, and finds what does not fit together.
    mutating func rebuild() throws(TreeError) {
        var places: [PoolPath: Int] = [.root: 0]
        places.reserveCapacity(pools.count + 1)
        for (place, pool) in pools.enumerated() {
            guard let parent = pool.path.parent else { throw .rootIsFixed }
            guard places[parent] != nil else { throw .unknownParent(of: pool.path, parent: parent) }
            guard places.updateValue(place + 1, forKey: pool.path) == nil else {
                throw .duplicatePool(pool.path)
            }
        }
        var poolOfVM: [Int] = []
        poolOfVM.reserveCapacity(virtualMachines.count)
        for (index, vm) in virtualMachines.enumerated() {
            guard index == 0 || virtualMachines[index - 1].name != vm.name else {
                throw .duplicateVM(vm.name)
            }
            guard let place = places[vm.pool] else { throw .unknownPool(vm.pool) }
            poolOfVM.append(place)
        }
        layout = TreeLayout(pools: pools, virtualMachines: virtualMachines, poolOfVM: poolOfVM)
    }

    /// The place of a VM in `virtualMachines`.
    public func index(of name: VMName) -> Int? {
        let place = virtualMachines.place { $0.name < name }
        return place < virtualMachines.count && virtualMachines[place].name == name ? place : nil
    }

    /// The place of a pool in `pools`.
    public func index(of path: PoolPath) -> Int? {
        let place = pools.place { $0.path < path }
        return place < pools.count && pools[place].path == path ? place : nil
    }

    /// A VM by its name.
    public subscript(name: VMName) -> VMEntry? { index(of: name).map { virtualMachines[$0] } }

    /// A pool by its path; nil for the root, too.
    public subscript(path: PoolPath) -> PoolEntry? { index(of: path).map { pools[$0] } }

    /// By members and their settings.
    public static func == (one: ResourceTree, other: ResourceTree) -> Bool {
        one.pools == other.pools && one.virtualMachines == other.virtualMachines
    }
}

extension Array {
    /// The first place whose element is not below something, in an array in order.
    func place(where isBelow: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBelow(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Why members do not make a tree.
public enum TreeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The pool around a pool is not there.
    case unknownParent(of: PoolPath, parent: PoolPath)
    /// There is no such pool.
    case unknownPool(PoolPath)
    /// There is no such VM.
    case unknownVM(VMName)
    /// There is such a pool already.
    case duplicatePool(PoolPath)
    /// There is such a VM already.
    case duplicateVM(VMName)
    /// A pool that is to go still has members.
    case poolNotEmpty(PoolPath)
    /// The root is the host: it is neither added, nor set, nor removed.
    case rootIsFixed
    /// More than `ResourceTree.mostMembers` pools.
    case tooManyPools
    /// More than `ResourceTree.mostMembers` VMs.
    case tooManyVMs

    /// A sentence that names the member.
    public var description: String {
        switch self {
        case .unknownParent(let path, let parent):
            "pool '\(path)' cannot be: there is no pool '\(parent)'"
        case .unknownPool(let path): "there is no pool '\(path)'"
        case .unknownVM(let name): "there is no running VM '\(name)'"
        case .duplicatePool(let path): "there is a pool '\(path)' already"
        case .duplicateVM(let name): "there is a running VM '\(name)' already"
        case .poolNotEmpty(let path): "pool '\(path)' still has members"
        case .rootIsFixed: "the root pool '/' is the host itself: it cannot be added, set or removed"
        case .tooManyPools: "there are more than \(ResourceTree.mostMembers) pools"
        case .tooManyVMs: "there are more than \(ResourceTree.mostMembers) VMs"
        }
    }
}
