import JSONText
import ManagerProtocol
import Resources
import Testing

@testable import Manager

@Suite("The fleet, its journal and what is kept of it")
struct FleetTests {
    private func entry(_ name: String, _ cpu: CPUAllocation = .normal, pool: PoolPath = .root) throws
        -> VMEntry
    {
        VMEntry(name: try VMName(name), pool: pool, settings: try VMSettings(cpu: cpu, virtualCPUs: 2))
    }

    private func replay(_ lines: [String]) throws -> Replay {
        var replay = Replay()
        for line in lines { try replay.take(JournalRecord(line: line)) }
        return replay
    }

    @Test("A journal of bounded length can be replayed from its first line, wherever it was cut")
    func journal() throws {
        var policy = CPUPolicy(capacity: .cpus(4))
        for number in 0..<5 { try policy.apply(.addVM(try entry("vm\(number)"))) }
        for limit in [1, 500, 2000, 5000] {
            var journal = Journal(limit: limit, start: policy)
            var policy = policy
            for step in 1...300 {
                let observation = Observation(
                    time: UInt64(step) * 200_000_000,
                    virtualMachines: try (0..<5).map { number in
                        Observation.VM(
                            name: try VMName("vm\(number)"), elapsed: 200_000_000,
                            times: CPUTimes(used: UInt64((step * number * 7_919_123) % 200_000_000), ready: 0)
                        )
                    })
                let decision = policy.decide(observation)
                journal.append(.observation(observation), .decision(decision), after: policy)
                let bytes = journal.lines.reduce(0) { $0 + $1.utf8.count + 1 }
                let checkpoint = JournalRecord.checkpoint(policy).line.utf8.count + 1000
                #expect(bytes <= limit + 2 * checkpoint + 4000)
            }
            let replay = try replay(journal.lines)
            #expect(replay.policy == policy && replay.passedOver == 0, "limit \(limit)")
        }
    }

    @Test("What a fleet decides and refuses can be replayed")
    func fleet() throws {
        var fleet = Fleet(capacity: .cpus(2))
        try fleet.apply(.addPool(PoolEntry(path: try PoolPath("web"))))
        try fleet.apply(.addVM(try entry("a", CPUAllocation(reservation: .one), pool: PoolPath("web"))))
        let before = fleet.tree
        #expect {
            try fleet.apply(.addVM(entry("b", CPUAllocation(reservation: CPUAmount(parsing: "1.5")))))
        } throws: {
            let problem = $0 as? ManagerProblem
            // The arithmetic: what is asked, and what is left.
            return problem?.kind == .admissionRefused && problem?.detail.contains("1.5") == true
        }
        #expect(fleet.tree == before)
        #expect { try fleet.apply(.removePool(PoolPath("web"))) } throws: {
            ($0 as? ManagerProblem)?.kind == .notEmpty
        }
        #expect { try fleet.apply(.addVM(entry("a"))) } throws: { ($0 as? ManagerProblem)?.kind == .exists }
        fleet.setCapacity(.one)
        let decision = fleet.decide(Observation(time: 1, virtualMachines: []))
        #expect(decision.virtualMachines.map(\.entitlement) == [.one])
        #expect(try replay(fleet.journal.lines).repeated == 1)
    }

    @Test("A machine gets other settings and another pool together, or neither, and both can be replayed")
    func changeBoth() throws {
        var fleet = Fleet(capacity: .cpus(2))
        let (half, name) = (try CPUAmount(parsing: "0.5"), try VMName("a"))
        let (small, large) = (try PoolPath("small"), try PoolPath("large"))
        for (path, amount) in [(small, half), (large, .one)] {
            let cpu = try CPUAllocation(reservation: amount)
            try fleet.apply(
                .addPool(PoolEntry(path: path, settings: PoolSettings(cpu: cpu, isExpandable: false))))
        }
        try fleet.apply(.addVM(try entry("a", CPUAllocation(reservation: half), pool: small)))
        let before = fleet.tree
        let most = try entry("a", CPUAllocation(reservation: .one)).settings
        try fleet.change(name, to: most, in: large)
        #expect(fleet.tree[name] == VMEntry(name: name, pool: large, settings: most))
        // The move is possible, and what is to be reserved there is not.
        let tooMuch = try entry("a", CPUAllocation(reservation: CPUAmount(parsing: "1.5"))).settings
        try fleet.change(name, to: try #require(before[name]).settings, in: small)
        #expect(throws: ManagerProblem.self) { try fleet.change(name, to: tooMuch, in: large) }
        #expect(fleet.tree == before)
        #expect(try replay(fleet.journal.lines).policy == fleet.policy)
    }

    @Test("On a host that has become smaller pools stay, if need be without their reservation")
    func restore() throws {
        var fleet = Fleet(capacity: .one)
        let inner = PoolEntry(path: try PoolPath("big/inner"))
        let cpu = try CPUAllocation(shares: .high, reservation: .cpus(2), limit: .cpus(3))
        let big = PoolEntry(path: try PoolPath("big"), settings: PoolSettings(cpu: cpu, isExpandable: false))
        let kept = PoolEntry(
            path: try PoolPath("kept"), settings: PoolSettings(cpu: try CPUAllocation(reservation: .one)))
        let remarks = fleet.restore([big, inner, kept])
        #expect(remarks.count == 1 && remarks[0].remark.hasPrefix("pool big has lost its reservation: "))
        let smaller = try CPUAllocation(shares: .high, limit: .cpus(3))
        #expect(
            fleet.tree.pools == [
                PoolEntry(path: big.path, settings: PoolSettings(cpu: smaller, isExpandable: false)), inner,
                kept,
            ])
        let again = fleet.restore([kept])
        #expect(again.count == 1, "it is there already")
        #expect(try replay(fleet.journal.lines).policy == fleet.policy)
    }

    @Test("As much as a pool says is unreserved can be reserved in it, and a millionth more cannot")
    func unreserved() throws {
        var fleet = Fleet(capacity: .cpus(4))
        func add(_ path: String, _ reserved: String, limit: String? = nil, expandable: Bool) throws {
            let cpu = try CPUAllocation(
                reservation: CPUAmount(parsing: reserved), limit: limit.map { try CPUAmount(parsing: $0) })
            let settings = PoolSettings(cpu: cpu, isExpandable: expandable)
            try fleet.apply(.addPool(PoolEntry(path: try PoolPath(path), settings: settings)))
        }
        try add("fixed", "1", expandable: false)
        try add("wide", "1", expandable: true)
        try add("wide/narrow", "0.25", limit: "0.75", expandable: true)
        try add("wide/fixed", "0.5", expandable: false)
        try fleet.apply(.addVM(try entry("a", CPUAllocation(reservation: .one))))
        let half = try CPUAllocation(reservation: CPUAmount(parsing: "0.5"))
        try fleet.apply(.addVM(try entry("b", half, pool: PoolPath("wide"))))
        let expected = [
            "/": "0.75", "fixed": "1", "wide": "0.75", "wide/narrow": "0.75", "wide/fixed": "0.5",
        ]
        for (path, amount) in expected {
            let most = PoolFigures(fleet).unreserved(in: try PoolPath(path))
            #expect(most.description == amount, "\(path)")
            for (more, isAdmitted) in [(Int64(0), true), (1, false)] {
                var copy = fleet
                let cpu = try CPUAllocation(reservation: CPUAmount(clamping: most.microCPUs + more))
                let change = TreeChange.addVM(try entry("c", cpu, pool: PoolPath(path)))
                do throws(ManagerProblem) {
                    try copy.apply(change)
                    #expect(isAdmitted, "\(path)")
                } catch {
                    #expect(!isAdmitted, "\(path): \(error)")
                }
            }
        }
    }

    @Test("A pool at its limit bounds its members, and no other machine")
    func poolLimits() throws {
        var policy = CPUPolicy(capacity: .cpus(4))
        let pool = try PoolPath("small")
        try policy.apply(
            .addPool(PoolEntry(path: pool, settings: PoolSettings(cpu: CPUAllocation(limit: .one)))))
        for name in ["a", "b"] { try policy.apply(.addVM(try entry(name, pool: pool))) }
        try policy.apply(.addVM(try entry("free")))
        try policy.apply(.addVM(try entry("own", CPUAllocation(limit: .one))))
        let (decision, entitlements) = policy.decideWithEntitlements(
            Observation(time: 1, virtualMachines: []))
        var limits = PoolLimits()
        limits.update(entitlements, decision)
        func limit(_ name: String) -> CPUAmount? {
            decision.virtualMachines.firstIndex { $0.name.description == name }.flatMap { limits[$0] }
        }
        #expect(limit("free") == nil)
        #expect(limit("own") == .one)
        let members = try ["a", "b"].map { try #require(limit($0)) }
        #expect(members.reduce(0) { $0 + $1.microCPUs } == 1_000_000)
    }

    @Test(
        "A member's part of its pool's limit is set anew when it falls, and only then when it has grown enough"
    )
    func steadyLimits() throws {
        var policy = CPUPolicy(capacity: .cpus(4))
        let (pool, busy, other) = (try PoolPath("small"), try VMName("busy"), try VMName("other"))
        let settings = PoolSettings(cpu: try CPUAllocation(limit: .one))
        try policy.apply(.addPool(PoolEntry(path: pool, settings: settings)))
        for name in ["busy", "other"] { try policy.apply(.addVM(try entry(name, pool: pool))) }
        var limits = PoolLimits()
        /// What `busy` may have where the other one used so many hundredths of a CPU for long.
        func limit(_ hundredths: UInt64) throws -> CPUAmount? {
            let second: UInt64 = 1_000_000_000
            let times = { CPUTimes(used: $0 * second, ready: 0) }
            let (decision, entitlements) = policy.decideWithEntitlements(
                Observation(
                    time: 1,
                    virtualMachines: [
                        .init(name: busy, elapsed: 10_000 * second, times: times(20_000)),
                        .init(name: other, elapsed: 10_000 * second, times: times(hundredths * 100)),
                    ]))
            limits.update(entitlements, decision)
            return limits[0]
        }
        let first = try #require(try limit(20))
        #expect((790_000...810_000).contains(first.microCPUs))
        #expect(try limit(19) == first, "a hundredth more is not worth it")
        let less = try #require(try limit(21))
        #expect(less < first)
        #expect(try #require(try limit(10)) > first)
    }

    @Test("A history keeps the latest changes, and forgets who is gone")
    func history() throws {
        var history = EntitlementHistory()
        let name = try VMName("a")
        func decision(_ number: UInt64, _ micro: Int64, of name: VMName) -> Decision {
            Decision(
                sequence: number, time: number, capacity: .cpus(9), reservationsAreMet: true,
                virtualMachines: [
                    .init(
                        name: name, demand: .one, entitlement: CPUAmount(clamping: micro), atWorst: .zero)
                ])
        }
        for number in 0..<40 { history.add(decision(UInt64(number), Int64(number) * 10_000, of: name)) }
        #expect(history[name].count == EntitlementHistory.limit && history[name].last?.sequence == 39)
        history.add(decision(40, 39 * 10_000 + 9_999, of: name))
        #expect(history[name].last?.sequence == 39)
        let other = try VMName("b")
        history.add(decision(41, 5, of: other))
        #expect(history[name].isEmpty && history[other].count == 1)
    }

    @Test("Looks are added up until there are enough for a decision")
    func sums() throws {
        var sum = ObservationSum()
        let name = try VMName("a")
        func look(_ time: UInt64) -> Observation {
            Observation(
                time: time,
                virtualMachines: [
                    .init(name: name, elapsed: 50, times: CPUTimes(used: 10, ready: 5, limited: 1))
                ])
        }
        let results = (1...9).map { sum.add(look(UInt64($0) * 50), every: 200) }
        #expect(results.map { $0 != nil } == [false, false, false, false, true, false, false, false, true])
        #expect(
            results[4]?.virtualMachines == [
                .init(name: name, elapsed: 250, times: CPUTimes(used: 50, ready: 25, limited: 5))
            ])
        #expect(results[8]?.virtualMachines.first?.elapsed == 200)
    }

    @Test("A sum has everyone who was seen, in the order of names, whoever came or went meanwhile")
    func sumsOfSome() throws {
        var sum = ObservationSum()
        func look(_ time: UInt64, _ names: String...) throws -> Observation {
            Observation(
                time: time,
                virtualMachines: try names.map {
                    .init(name: try VMName($0), elapsed: 50, times: CPUTimes(used: 10, ready: 5))
                })
        }
        #expect(sum.add(try look(0, "b", "d"), every: 100) == nil)
        #expect(sum.add(try look(50, "a", "c", "d"), every: 100) == nil)
        let all = try #require(sum.add(try look(100, "b", "e"), every: 100))
        #expect(all.virtualMachines.map(\.name.description) == ["a", "b", "c", "d", "e"])
        #expect(all.virtualMachines.map(\.elapsed) == [50, 100, 50, 100, 50])
    }
}
