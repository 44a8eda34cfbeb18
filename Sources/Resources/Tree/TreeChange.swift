/// One change of a tree.
public enum TreeChange: Hashable, Sendable {
    /// A new pool.
    case addPool(PoolEntry)
    /// New settings for a pool, by its path.
    case setPool(PoolEntry)
    /// An empty pool goes.
    case removePool(PoolPath)
    /// A VM is switched on.
    case addVM(VMEntry)
    /// New settings for a running VM.
    case setVM(VMName, VMSettings)
    /// A running VM goes to another pool.
    case moveVM(VMName, to: PoolPath)
    /// A VM has ended.
    case removeVM(VMName)
}

extension ResourceTree {
    /// The changes that give a VM other settings and another pool, in the order in which they are admitted if what
    /// they come to is: who is to reserve less does so first, who is to reserve more first goes where that fits.
    ///
    /// - Throws: there is no such VM.
    public func changes(
        of name: VMName, to settings: VMSettings, in pool: PoolPath
    ) throws(TreeError) -> [TreeChange] {
        guard let entry = self[name] else { throw .unknownVM(name) }
        let set: [TreeChange] = entry.settings == settings ? [] : [.setVM(name, settings)]
        let move: [TreeChange] = entry.pool == pool ? [] : [.moveVM(name, to: pool)]
        return settings.cpu.reservation > entry.settings.cpu.reservation ? move + set : set + move
    }

    /// Makes a change, whether or not reservations can then be met; `admit(_:capacity:)` asks that too.
    ///
    /// If it throws, nothing has changed.
    public mutating func apply(_ change: TreeChange) throws(TreeError) {
        switch change {
        case .setPool(let entry):
            guard !entry.path.isRoot else { throw .rootIsFixed }
            guard let place = index(of: entry.path) else { throw .unknownPool(entry.path) }
            pools[place].settings = entry.settings
            layout.set(layout.nodeOfPool[place + 1], entry.settings)
        case .setVM(let name, let settings):
            let place = try placeOf(name)
            virtualMachines[place].settings = settings
            layout.set(layout.nodeOfVM[place], settings)
        default:
            var next = self
            try next.changeMembers(change)
            try next.rebuild()
            self = next
        }
    }

    private mutating func changeMembers(_ change: TreeChange) throws(TreeError) {
        switch change {
        case .addPool(let entry):
            guard pools.count < Self.mostMembers else { throw .tooManyPools }
            pools.insert(entry, at: pools.place { $0.path < entry.path })
        case .removePool(let path):
            guard !path.isRoot else { throw .rootIsFixed }
            guard let place = index(of: path) else { throw .unknownPool(path) }
            guard layout.members[layout.nodeOfPool[place + 1]].isEmpty else { throw .poolNotEmpty(path) }
            pools.remove(at: place)
        case .addVM(let entry):
            guard virtualMachines.count < Self.mostMembers else { throw .tooManyVMs }
            virtualMachines.insert(entry, at: virtualMachines.place { $0.name < entry.name })
        case .moveVM(let name, let pool):
            virtualMachines[try placeOf(name)].pool = pool
        case .removeVM(let name):
            virtualMachines.remove(at: try placeOf(name))
        case .setPool, .setVM:
            // They change no member's place: `apply` makes them.
            break
        }
    }

    private func placeOf(_ name: VMName) throws(TreeError) -> Int {
        guard let place = index(of: name) else { throw .unknownVM(name) }
        return place
    }
}
