import Testing

@testable import Resources

@Suite("Division, as people expect it")
struct DivvyTests {
    @Test("Twice the shares are twice the CPU")
    func twoToOne() throws {
        let tree = try ResourceTree(
            pools: [], virtualMachines: [vm("a", shares: .high, virtualCPUs: 2), vm("b", virtualCPUs: 2)])
        #expect(divvyAtWorst(tree, capacity: try cpus("1.5")).texts == ["1", "0.5"])
    }

    @Test("Shares of pools are divided first, however many VMs are in them")
    func pools() throws {
        let tree = try ResourceTree(
            pools: [
                pool("three", shares: .custom(3)), pool("two", shares: .custom(2)),
                pool("one", shares: .custom(1)),
            ],
            virtualMachines: [
                vm("a", in: "three"), vm("b", in: "three"), vm("c", in: "three"), vm("d", in: "two"),
                vm("e", in: "two"), vm("f", in: "one"),
            ])
        let result = divvyAtWorst(tree, capacity: try cpus("0.6"))
        #expect(result.texts == ["0.1", "0.1", "0.1", "0.1", "0.1", "0.1"])
        #expect(try result[try PoolPath("three")] == cpus("0.3"))
    }

    @Test("A VM with one virtual CPU uses one CPU, whatever its shares; the others share the rest")
    func infeasibleWeight() throws {
        let tree = try ResourceTree(
            pools: [],
            virtualMachines: [
                vm("a", shares: .custom(10_000)), vm("b", shares: .custom(1000), virtualCPUs: 2),
                vm("c", shares: .custom(1000), virtualCPUs: 2),
            ])
        #expect(divvyAtWorst(tree, capacity: .cpus(2)).texts == ["1", "0.5", "0.5"])
    }

    @Test("A reservation is a floor under the shares, not an addition to them")
    func floor() throws {
        let tree = try ResourceTree(
            pools: [], virtualMachines: [vm("a", reserved: "0.6"), vm("b"), vm("c")])
        #expect(divvyAtWorst(tree, capacity: .one).texts == ["0.6", "0.2", "0.2"])
        #expect(divvyAtWorst(tree, capacity: .cpus(2)).texts == ["0.666667", "0.666667", "0.666666"])
    }

    @Test("What a VM has reserved and does not use, others may have, until it wakes")
    func idleReservation() throws {
        let tree = try ResourceTree(pools: [], virtualMachines: [vm("idle", reserved: "0.8"), vm("busy")])
        let demands = [try VMName("busy"): CPUAmount.one, try VMName("idle"): try cpus("0.1")]
        let now = divvy(tree, demands: demands, capacity: .one)
        #expect(now.texts == ["0.9", "0.1"])
        #expect(divvyAtWorst(tree, capacity: .one).texts == ["0.2", "0.8"])
    }

    @Test("A pool's limit cuts all in it, and what it leaves goes to others")
    func poolLimit() throws {
        let tree = try ResourceTree(
            pools: [pool("p", shares: .high, limit: "50%")],
            virtualMachines: [vm("a", in: "p"), vm("b", in: "p"), vm("c", virtualCPUs: 2)])
        #expect(divvyAtWorst(tree, capacity: .cpus(2)).texts == ["0.25", "0.25", "1.5"])
    }

    @Test("A pool's reservation is its members', by their shares")
    func poolReservation() throws {
        let tree = try ResourceTree(
            pools: [pool("p", shares: .custom(1), reserved: "0.6", expandable: false)],
            virtualMachines: [
                vm("a", in: "p", shares: .high), vm("b", in: "p"), vm("c", shares: .custom(1_000_000)),
            ])
        #expect(divvyAtWorst(tree, capacity: .one).texts == ["0.4", "0.2", "0.4"])
    }

    @Test("Where CPUs are lost and reservations cannot be met, shares decide up to them")
    func lostCPUs() throws {
        let tree = try ResourceTree(
            pools: [], virtualMachines: [vm("a", reserved: "0.9"), vm("b", reserved: "0.1"), vm("c")])
        let result = divvyAtWorst(tree, capacity: try cpus("0.5"))
        #expect(result.texts == ["0.4", "0.1", "0"])
        #expect(!result.reservationsAreMet)
    }

    @Test("What cannot be halved goes to the first by name")
    func remainder() throws {
        let tree = try ResourceTree(pools: [], virtualMachines: [vm("b"), vm("c"), vm("a")])
        #expect(
            divvyAtWorst(tree, capacity: CPUAmount(clamping: 5)).texts == [
                "0.000002", "0.000002", "0.000001",
            ])
    }

    @Test("Nobody and nothing can be divided, too")
    func nothing() throws {
        #expect(divvyAtWorst(ResourceTree(), capacity: .cpus(4)).texts == [])
        let tree = try ResourceTree(pools: [pool("empty", reserved: "1")], virtualMachines: [vm("a")])
        #expect(divvyAtWorst(tree, capacity: .one).texts == ["1"])
        #expect(divvyAtWorst(tree, capacity: .zero).texts == ["0"])
        #expect(divvy(tree, demands: [CPUAmount](), capacity: .one).texts == ["0"])
    }
}
