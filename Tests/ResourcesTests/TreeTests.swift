import Testing

@testable import Resources

@Suite("Names, settings and trees")
struct TreeTests {
    @Test(
        "What is no path says so",
        arguments: ["", "a/", "/a", "a//b", ".", "..", "a/../b", "-a", "a b", "a=b", "ä"])
    func badPaths(text: String) {
        #expect(throws: NameError.badPath(text)) { try PoolPath(text) }
    }

    @Test("Paths have bounds, and tell their parents")
    func paths() throws {
        let deepest = Array(repeating: String(repeating: "x", count: 63), count: 8).joined(separator: "/")
        #expect(try PoolPath(deepest).components.count == 8)
        #expect(throws: NameError.pathTooDeep("1/2/3/4/5/6/7/8/9")) { try PoolPath("1/2/3/4/5/6/7/8/9") }
        #expect(throws: NameError.pathTooLong(deepest + "/yy")) { try PoolPath(deepest + "/yy") }
        let path = try PoolPath("web/frontend")
        #expect(
            path.parent?.description == "web" && path.parent?.parent == .root && PoolPath.root.parent == nil)
        #expect(try PoolPath("/").isRoot)
        #expect(path.name == "frontend")
        #expect(path.description == "web/frontend")
        #expect(try PoolPath("web") < path)
        #expect(try path < PoolPath("web.1"))
    }

    @Test(
        "A VM's name is that of a machine",
        arguments: ["", ".a", "-a", "a/b", "a,b", "a\n", String(repeating: "x", count: 64)])
    func badNames(text: String) {
        #expect(throws: NameError.badName(text)) { try VMName(text) }
    }

    @Test("Settings that contradict themselves are refused, with the numbers")
    func contradictions() throws {
        #expect(throws: AllocationError.limitIsNothing) { try CPUAllocation(limit: .zero) }
        let error = #expect(throws: AllocationError.self) {
            try CPUAllocation(reservation: cpus("2"), limit: cpus("1.5"))
        }
        #expect(error?.description == "the reservation of 2 CPUs is above the limit of 1.5 CPUs")
        #expect(throws: AllocationError.sharesOutOfRange(0)) { try CPUAllocation(shares: .custom(0)) }
        #expect(
            throws: AllocationError.reservationAboveVirtualCPUs(reservation: try cpus("2"), virtualCPUs: 1)
        ) {
            try VMSettings(cpu: CPUAllocation(reservation: cpus("2")), virtualCPUs: 1)
        }
        for count in [0, -1, 8193, Int.max] {
            #expect(throws: AllocationError.virtualCPUsOutOfRange(count)) {
                try VMSettings(virtualCPUs: count)
            }
        }
    }

    @Test("Levels are vSphere's, a virtual CPU each for VMs and in all for pools")
    func levels() throws {
        #expect([CPUShares.low, .normal, .high].map { $0.count(virtualCPUs: 2) } == [1000, 2000, 4000])
        #expect([CPUShares.low, .normal, .high].map(\.poolCount) == [2000, 4000, 8000])
        #expect(try CPUShares(parsing: "1500").count(virtualCPUs: 4) == 1500)
        for text in ["low", "normal", "high", "1", "1000000"] {
            #expect(try CPUShares(parsing: text).description == text)
        }
        for text in ["", "0", "1000001", "-1", "+1", "Low", "1.5", "99999999999999999999"] {
            #expect(throws: CPUSharesError(text: text)) { try CPUShares(parsing: text) }
        }
    }

    @Test("Members that do not fit together make no tree")
    func misfits() throws {
        let (a, b) = (try PoolPath("a"), try PoolPath("a/b"))
        #expect(throws: TreeError.unknownParent(of: b, parent: a)) { try ResourceTree(pools: [pool("a/b")]) }
        #expect(throws: TreeError.duplicatePool(a)) { try ResourceTree(pools: [pool("a"), pool("a")]) }
        #expect(throws: TreeError.rootIsFixed) { try ResourceTree(pools: [pool("/")]) }
        #expect(throws: TreeError.unknownPool(a)) {
            try ResourceTree(pools: [], virtualMachines: [vm("v", in: "a")])
        }
        #expect(throws: TreeError.duplicateVM(try VMName("v"))) {
            try ResourceTree(pools: [pool("a")], virtualMachines: [vm("v"), vm("v", in: "a")])
        }
    }

    @Test("Changes one by one come to the same tree as all at once, and what fails changes nothing")
    func changes() throws {
        var tree = ResourceTree()
        try tree.apply(.addPool(pool("b")))
        try tree.apply(.addPool(pool("a")))
        try tree.apply(.addPool(pool("a/x")))
        try tree.apply(.addVM(vm("v2", in: "a/x")))
        try tree.apply(.addVM(vm("v1")))
        try tree.apply(.moveVM(try VMName("v1"), to: try PoolPath("b")))
        try tree.apply(.setVM(try VMName("v2"), vm("v2", shares: .high).settings))
        try tree.apply(.setPool(pool("a", limit: "1")))
        let whole = try ResourceTree(
            pools: [pool("a", limit: "1"), pool("b"), pool("a/x")],
            virtualMachines: [vm("v1", in: "b"), vm("v2", in: "a/x", shares: .high)])
        #expect(tree == whole)
        #expect(divvyAtWorst(tree, capacity: .one).granted == divvyAtWorst(whole, capacity: .one).granted)
        let failing: [(TreeChange, TreeError)] = [
            (.addPool(try pool("a")), .duplicatePool(try PoolPath("a"))),
            (.addPool(try pool("c/d")), .unknownParent(of: try PoolPath("c/d"), parent: try PoolPath("c"))),
            (.setPool(try pool("c")), .unknownPool(try PoolPath("c"))),
            (.setPool(try pool("/")), .rootIsFixed), (.removePool(.root), .rootIsFixed),
            (.removePool(try PoolPath("a")), .poolNotEmpty(try PoolPath("a"))),
            (.removePool(try PoolPath("b")), .poolNotEmpty(try PoolPath("b"))),
            (.addVM(try vm("v1")), .duplicateVM(try VMName("v1"))),
            (.addVM(try vm("v3", in: "c")), .unknownPool(try PoolPath("c"))),
            (.moveVM(try VMName("v1"), to: try PoolPath("c")), .unknownPool(try PoolPath("c"))),
            (.removeVM(try VMName("v3")), .unknownVM(try VMName("v3"))),
        ]
        for (change, error) in failing {
            #expect(throws: error) { try tree.apply(change) }
            #expect(tree == whole)
        }
        try tree.apply(.removeVM(try VMName("v1")))
        try tree.apply(.removePool(try PoolPath("b")))
        #expect(tree.pools.map(\.path.description) == ["a", "a/x"])
        #expect(tree.virtualMachines.map(\.name.description) == ["v2"])
    }
}
