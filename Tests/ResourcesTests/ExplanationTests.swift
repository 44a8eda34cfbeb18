import Testing

@testable import Resources

@Suite("Explanations")
struct ExplanationTests {
    @Test("A VM's entitlement is explained pool by pool, with every number")
    func sentences() throws {
        let tree = try ResourceTree(
            pools: [pool("web", shares: .custom(1000)), pool("batch", shares: .custom(3000))],
            virtualMachines: [
                vm("front", in: "web", reserved: "0.3"), vm("back", in: "web", shares: .custom(3000)),
                vm("job", in: "batch", virtualCPUs: 4),
            ])
        let demands = try [VMName("front"): cpus("2"), VMName("back"): cpus("0.9"), VMName("job"): cpus("4")]
        let result = divvy(tree, demands: demands, capacity: .cpus(2))
        let front = try #require(try result.explain(VMName("front")))
        #expect(
            front.sentences == [
                "VM 'front' is entitled to 0.3 CPUs.",
                "It would use 2 CPUs; its 1 virtual CPU can use 1 CPU; 0.3 CPUs of it are reserved.",
                "The host has 2 CPUs to give; its 2 members that want any would use 5.9 CPUs, 0.3 CPUs of it "
                    + "reserved: not enough, so shares decide.",
                "Pool 'web' has 1000 of 4000 shares, here worth 0.5 CPUs: it gets 0.5 CPUs, 0.3 CPUs by its "
                    + "reservation and 0.2 CPUs more by its shares.",
                "Beside it pool 'batch' gets 1.5 of 4 with 3000 shares.",
                "Pool 'web' has 0.5 CPUs to give; its 2 members that want any would use 1.9 CPUs, 0.3 CPUs of it "
                    + "reserved: not enough, so shares decide.",
                "VM 'front' has 1000 of 4000 shares, here worth 0.066667 CPUs, less than its reservation: it gets "
                    + "the 0.3 CPUs reserved for it.",
                "Beside it VM 'back' gets 0.2 of 0.9 with 3000 shares.",
            ])
        let enough = divvy(tree, demands: demands, capacity: .cpus(8))
        let back = try #require(try enough.explain(VMName("back")))
        #expect(back.bound == .demand)
        #expect(back.steps.map(\.outcome) == [.enoughForAll, .enoughForAll])
        #expect(back.sentences.last == "VM 'back' gets the 0.9 CPUs it wants.")
        #expect(try result.explain(VMName("nobody")) == nil)
        let idle = divvy(tree, demands: [CPUAmount](), capacity: .cpus(2))
        #expect(
            try idle.explain(VMName("job"))?.sentences == [
                "VM 'job' is entitled to 0 CPUs.", "It would use nothing now.",
            ])
    }

    @Test("Each outcome has its case")
    func outcomes() throws {
        func outcome(_ name: String, _ machines: [VMEntry], _ capacity: String) throws -> Explanation.Outcome?
        {
            let tree = try ResourceTree(pools: [], virtualMachines: machines)
            return divvyAtWorst(tree, capacity: try cpus(capacity)).explain(try VMName(name))?.steps.last?
                .outcome
        }
        let machines = try [
            vm("cut", shares: .high, limit: "0.1"), vm("floor", shares: .low, reserved: "0.5"), vm("plain"),
        ]
        #expect(try outcome("cut", machines, "1") == .wish)
        #expect(try outcome("floor", machines, "1") == .reservation)
        #expect(try outcome("plain", machines, "1") == .shares)
        #expect(try outcome("plain", machines, "3") == .enoughForAll)
        #expect(try outcome("floor", machines, "0.4") == .reservationsExceedCapacity)
    }

    @Test("The steps follow from one another, down to the entitlement, and say what bound it")
    func consistency() throws {
        var seen: Set<String> = []
        for seed in 0..<1000 as Range<UInt64> {
            var random = try RandomTree(seed: seed)
            let tree = try random.tree()
            let result = divvy(tree, demands: random.demands(), capacity: random.capacity)
            for (place, vm) in tree.virtualMachines.enumerated() {
                let explanation = try #require(result.explain(vm.name))
                #expect(explanation.entitlement == result[place])
                #expect(explanation.steps.count == vm.pool.components.count + 1)
                var amount = try #require(result[.root])
                for step in explanation.steps {
                    #expect(step.amount == amount, "seed \(seed)")
                    #expect(
                        step.reservationPart.microCPUs + step.sharePart.microCPUs == step.granted.microCPUs)
                    check(step, "seed \(seed)")
                    seen.insert("\(step.outcome)")
                    amount = step.granted
                }
                #expect(amount == explanation.entitlement, "seed \(seed)")
                let least = explanation.want > .zero ? 2 + explanation.steps.count * 2 : 2
                #expect(explanation.sentences.count >= least, "seed \(seed)")
            }
        }
        #expect(seen.count == 5)
    }

    private func check(_ step: Explanation.Step, _ seed: Comment) {
        let fair = step.fairPart ?? .zero
        switch step.outcome {
        case .enoughForAll: #expect(step.granted == step.want && step.fairPart == nil, seed)
        case .wish: #expect(step.granted == step.want && fair >= step.want, seed)
        case .reservation: #expect(step.granted == step.reserved && fair < step.reserved, seed)
        case .shares: #expect((0...1).contains(step.granted.microCPUs - fair.microCPUs), seed)
        case .reservationsExceedCapacity: #expect(step.granted <= step.reserved, seed)
        }
    }
}
