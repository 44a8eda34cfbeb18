import Testing

@testable import Resources

@Suite("Admission")
struct AdmissionTests {
    private func refusal(_ change: TreeChange, to tree: ResourceTree, capacity: CPUAmount) throws
        -> AdmissionRefusal
    {
        var copy = tree
        let error = #expect(throws: ChangeError.self) { try copy.admit(change, capacity: capacity) }
        #expect(copy == tree)
        guard case .refused(let refusal) = try #require(error) else {
            throw try #require(error)
        }
        return refusal
    }

    @Test("A VM is switched on only if its reservation can be met, and the refusal says the arithmetic")
    func powerOn() throws {
        var tree = ResourceTree()
        try tree.admit(.addVM(vm("a", reserved: "1")), capacity: .cpus(2))
        try tree.admit(.addVM(vm("b", reserved: "0.5")), capacity: .cpus(2))
        let refused = try refusal(.addVM(vm("db", reserved: "0.75")), to: tree, capacity: .cpus(2))
        #expect(try refused.subject == TreeMember.vm(VMName("db")))
        #expect(refused.pool == .root)
        #expect(refused.source == .host)
        #expect(try refused.asked == cpus("0.75"))
        #expect(try refused.unreserved == cpus("0.5"))
        #expect(
            refused.description
                == "VM 'db' asks for a reservation of 0.75 CPUs: the host has 2 CPUs for VMs, "
                + "1.5 of them taken by reservations, 0.5 left")
        try tree.admit(.addVM(vm("db", reserved: "0.5")), capacity: .cpus(2))
        try tree.admit(.addVM(vm("free")), capacity: .cpus(2))
    }

    @Test("A pool that is not expandable has its own reservation for its members, and no more")
    func fixed() throws {
        var tree = try ResourceTree(
            pools: [pool("p", reserved: "1", expandable: false)],
            virtualMachines: [vm("a", in: "p", reserved: "0.6")])
        let refused = try refusal(.addVM(vm("b", in: "p", reserved: "0.5")), to: tree, capacity: .cpus(8))
        #expect(refused.source == .reservation)
        #expect(try refused.pool == PoolPath("p"))
        #expect(
            refused.description
                == "VM 'b' asks for a reservation of 0.5 CPUs: pool 'p', not expandable, has 1 CPU "
                + "reserved, 0.6 of them taken by reservations, 0.4 left")
        let shrunk = try refusal(
            .setPool(pool("p", reserved: "0.5", expandable: false)), to: tree, capacity: .cpus(8))
        #expect(shrunk.asked == .zero)
        #expect(try shrunk.reserved == cpus("0.6"))
        try tree.admit(.setPool(pool("p", reserved: "1")), capacity: .cpus(8))
        try tree.admit(.addVM(vm("b", in: "p", reserved: "0.5")), capacity: .cpus(8))
    }

    @Test("An expandable pool takes from its parent only what is beyond its own reservation, up to its limit")
    func expandable() throws {
        let tree = try ResourceTree(
            pools: [pool("p", reserved: "1", limit: "2"), pool("p/q")],
            virtualMachines: [vm("a", in: "p/q", reserved: "0.6"), vm("b", reserved: "0.8")])
        let ledger = ReservationLedger(tree, capacity: .cpus(2))
        #expect(try ledger[.root]?.reserved == cpus("1.8"))
        #expect(try ledger[.root]?.unreserved == cpus("0.2"))
        #expect(try ledger[PoolPath("p/q")]?.source == .parent)
        #expect(try ledger[PoolPath("p")]?.asked == .one)
        var next = tree
        try next.admit(.addVM(vm("c", in: "p/q", reserved: "0.6")), capacity: .cpus(2))
        #expect(ReservationLedger(next, capacity: .cpus(2))[.root]?.unreserved == .zero)
        let host = try refusal(.addVM(vm("c", in: "p/q", reserved: "0.7")), to: tree, capacity: .cpus(2))
        #expect(host.source == .host)
        #expect(try host.asked == cpus("0.3"))
        #expect(try host.wished == cpus("0.7"))
        let limit = try refusal(
            .addVM(vm("c", in: "p/q", reserved: "1.5", virtualCPUs: 2)), to: tree, capacity: .cpus(8))
        #expect(limit.source == .limit)
        #expect(try limit.pool == PoolPath("p"))
        #expect(try limit.unreserved == cpus("1.4"))
    }

    @Test("A live VM's reservation, and its move, are admitted like a start")
    func live() throws {
        let tree = try ResourceTree(
            pools: [pool("p", reserved: "0.5", expandable: false)],
            virtualMachines: [vm("a", reserved: "0.6")])
        let name = try VMName("a")
        let more = try refusal(
            .setVM(name, vm("a", reserved: "0.9").settings), to: tree, capacity: try cpus("1.2"))
        #expect(more.source == .host)
        #expect(try more.unreserved == cpus("0.1"))
        let moved = try refusal(.moveVM(name, to: try PoolPath("p")), to: tree, capacity: .cpus(8))
        #expect(moved.source == .reservation)
        #expect(throws: ChangeError.tree(.unknownVM(try VMName("x")))) {
            var tree = tree
            try tree.admit(.removeVM(VMName("x")), capacity: .one)
        }
    }

    @Test("When the host has lost CPUs, what lessens the lack is let through, and what adds to it is not")
    func lessening() throws {
        var tree = try ResourceTree(
            pools: [], virtualMachines: [vm("a", reserved: "0.9"), vm("b", reserved: "0.9")])
        try tree.admit(.setVM(VMName("a"), vm("a", reserved: "0.8").settings), capacity: .one)
        try tree.admit(.addVM(vm("free")), capacity: .one)
        _ = try refusal(.addVM(vm("c", reserved: "0.1")), to: tree, capacity: .one)
        try tree.admit(.removeVM(VMName("b")), capacity: .one)
        #expect(ReservationLedger(tree, capacity: .one).isSound)
    }

    @Test("Whatever is admitted, all reservations can be met at once; what is refused could not have been")
    func random() throws {
        var refused = 0
        for seed in 0..<300 as Range<UInt64> {
            var random = try RandomTree(seed: seed, mostVMs: 12)
            let capacity = random.capacity
            var tree = ResourceTree()
            for _ in 0..<60 {
                guard let change = try random.change(of: tree) else { continue }
                let before = tree
                do {
                    try tree.admit(change, capacity: capacity)
                } catch .refused(let refusal) {
                    refused += 1
                    #expect(tree == before)
                    var next = before
                    try next.apply(change)
                    #expect(!ReservationLedger(next, capacity: capacity).isSound, "seed \(seed)")
                    #expect(refusal.asked > refusal.unreserved || refusal.asked == .zero, "seed \(seed)")
                } catch {
                    #expect(tree == before)
                }
                #expect(ReservationLedger(tree, capacity: capacity).isSound, "seed \(seed)")
                let worst = divvyAtWorst(tree, capacity: capacity)
                for (place, vm) in tree.virtualMachines.enumerated() {
                    #expect(worst[place] >= vm.settings.cpu.reservation, "seed \(seed)")
                }
            }
        }
        #expect(refused > 300)
    }

    @Test("Who gets other settings and another pool at once is judged by what comes of both")
    func both() throws {
        let small = try pool("small", reserved: "0.5", expandable: false)
        let large = try pool("large", reserved: "2", expandable: false)
        let before = try ResourceTree(
            pools: [small, large], virtualMachines: [vm("a", in: "small", reserved: "0.25", virtualCPUs: 2)])
        func change(_ tree: inout ResourceTree, reserved: String, pool: PoolEntry) throws {
            let settings = try vm("a", reserved: reserved, virtualCPUs: 2).settings
            for change in try tree.changes(of: VMName("a"), to: settings, in: pool.path) {
                try tree.admit(change, capacity: .cpus(4))
            }
            #expect(try tree[VMName("a")] == vm("a", in: "\(pool.path)", reserved: reserved, virtualCPUs: 2))
        }
        var tree = before
        // More than the one pool has, to where there is as much; and back, less than before.
        try change(&tree, reserved: "2", pool: large)
        try change(&tree, reserved: "0.25", pool: small)
        #expect(tree == before)
        #expect(try tree.changes(of: VMName("a"), to: tree.virtualMachines[0].settings, in: small.path) == [])
        #expect(throws: ChangeError.self) { try change(&tree, reserved: "2", pool: small) }
        #expect(throws: TreeError.unknownVM(try VMName("b"))) {
            try tree.changes(of: VMName("b"), to: tree.virtualMachines[0].settings, in: small.path)
        }
    }
}

extension RandomTree {
    /// Any change of a tree with a few pools and VMs; it need not be possible.
    mutating func change(of tree: ResourceTree) throws -> TreeChange? {
        let paths = ["p", "q", "p/x", "p/x/y", "q/z"]
        let path = try PoolPath(paths[random.below(paths.count)])
        let name = try VMName("vm\(random.below(10))")
        let place = random.chance(20) ? PoolPath.root : path
        let processors = 1 + random.below(3)
        let pool = PoolEntry(
            path: path,
            settings: PoolSettings(cpu: try allocation(most: 3_000_000), isExpandable: random.chance(50)))
        let vm = VMEntry(
            name: name, pool: place,
            settings: try VMSettings(
                cpu: try allocation(most: processors * 1_000_000), virtualCPUs: processors))
        switch random.below(10) {
        case 0, 1: return .addPool(pool)
        case 2: return .setPool(pool)
        case 3: return .removePool(path)
        case 4, 5, 6: return .addVM(vm)
        case 7: return .setVM(name, vm.settings)
        case 8: return .moveVM(name, to: place)
        default: return .removeVM(name)
        }
    }
}
