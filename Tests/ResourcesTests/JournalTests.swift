import Testing

@testable import Resources

@Suite("The policy and its journal")
struct JournalTests {
    /// A random session: the journal's lines, as a daemon would write them.
    private func session(seed: UInt64, steps: Int, checkpointEvery period: Int = 25) throws -> [String] {
        var random = try RandomTree(seed: seed)
        var policy = CPUPolicy(capacity: random.capacity)
        var lines: [String] = []
        for step in 0..<steps {
            if step % period == 0 { lines.append(JournalRecord.checkpoint(policy).line) }
            if let change = try random.change(of: policy.tree), random.random.chance(40) {
                let before = policy
                do {
                    try policy.apply(change)
                    lines.append(JournalRecord.change(change).line)
                } catch {
                    #expect(policy == before)
                }
            }
            if random.random.chance(5) {
                let capacity = CPUAmount(clamping: Int64(random.random.below(8_000_000)))
                policy.setCapacity(capacity)
                lines.append(JournalRecord.capacity(capacity).line)
            }
            let observation = random.observation(of: policy.tree, time: UInt64(step) * 1_000_000)
            lines.append(JournalRecord.observation(observation).line)
            lines.append(JournalRecord.decision(policy.decide(observation)).line)
        }
        return lines
    }

    private func replay(_ lines: some Sequence<String>) throws -> Replay {
        var replay = Replay()
        for line in lines { try replay.take(JournalRecord(line: line)) }
        return replay
    }

    @Test("A journal's decisions come out the same, from its start or from any later checkpoint")
    func replays() throws {
        for seed in 0..<60 as Range<UInt64> {
            let lines = try session(seed: seed, steps: 100)
            #expect(try replay(lines).repeated == 100)
            // The start is gone, up to the middle of something.
            let rest = try replay(lines.dropFirst(lines.count / 3))
            #expect(rest.repeated >= 50 && rest.passedOver > 0, "seed \(seed)")
        }
    }

    @Test("A decision that was tampered with is found, and so are a state and a change")
    func tampering() throws {
        let lines = try session(seed: 3, steps: 100)
        let decision = try #require(lines.lastIndex { $0.contains(" decision ") && $0.contains(" vm=") })
        guard case .decision(let real) = try JournalRecord(line: lines[decision]) else { return }
        let first = try #require(real.virtualMachines.first)
        let forged = Decision(
            sequence: real.sequence, time: real.time, capacity: real.capacity,
            reservationsAreMet: real.reservationsAreMet,
            virtualMachines: [
                Decision.VM(
                    name: first.name, demand: first.demand,
                    entitlement: CPUAmount(clamping: first.entitlement.microCPUs + 1), atWorst: first.atWorst)
            ] + real.virtualMachines.dropFirst())
        var changed = lines
        changed[decision] = JournalRecord.decision(forged).line
        let error = #expect(throws: ReplayError.differs(recorded: forged, replayed: real)) {
            try replay(changed)
        }
        #expect(
            error?.description.contains(
                "decision \(real.sequence) comes out otherwise: for VM '\(first.name)'") == true)

        let observation = try #require(lines.lastIndex { $0.contains(" observation ") })
        changed = lines
        changed.remove(at: observation)
        #expect(throws: ReplayError.self) { try replay(changed) }
        changed = lines
        changed.insert(JournalRecord.change(.removeVM(try VMName("ghost"))).line, at: 5)
        #expect(throws: ReplayError.changeRefused(.tree(.unknownVM(try VMName("ghost"))))) {
            try replay(changed)
        }
        changed = lines
        let checkpoint = try #require(lines.lastIndex { $0.contains(" checkpoint ") })
        changed[checkpoint] = JournalRecord.checkpoint(CPUPolicy(capacity: .one)).line
        #expect(throws: ReplayError.checkpointDiffers(sequence: 0)) { try replay(changed) }
    }

    @Test("A journal is the same text on every machine")
    func sameText() throws {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325  // FNV-1a
        for line in try session(seed: 7, steps: 300) {
            for byte in line.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        }
        #expect(hash == 12_998_942_758_745_082_507)
    }

    @Test("Records have the documented text, and read back")
    func texts() throws {
        let records: [(JournalRecord, String)] = [
            (
                .change(.addVM(try vm("db", in: "web/frontend", reserved: "0.5", virtualCPUs: 2))),
                "1 change add-vm=db,web/frontend,2,normal,500000,-"
            ),
            (
                .change(.setVM(try VMName("db"), try vm("db", limit: "0.5").settings)),
                "1 change set-vm=db,1,normal,0,500000"
            ),
            (.change(.moveVM(try VMName("db"), to: .root)), "1 change move-vm=db,/"),
            (.change(.removeVM(try VMName("db"))), "1 change remove-vm=db"),
            (
                .change(.addPool(try pool("web", shares: .custom(7), limit: "2"))),
                "1 change add-pool=web,7,0,2000000,expandable"
            ),
            (.change(.setPool(try pool("web", expandable: false))), "1 change set-pool=web,normal,0,-,fixed"),
            (.change(.removePool(try PoolPath("web"))), "1 change remove-pool=web"),
            (.capacity(.cpus(2)), "1 capacity amount=2000000"),
            (
                .observation(
                    Observation(
                        time: 81,
                        virtualMachines: [
                            .init(
                                name: try VMName("db"), elapsed: 9,
                                times: CPUTimes(used: 4, ready: 1, limited: 2))
                        ])), "1 observation time=81 vm=db,9,4,1,2"
            ),
            (
                .checkpoint(
                    CPUPolicy(
                        tree: try ResourceTree(pools: [pool("p")], virtualMachines: [vm("a")]), capacity: .one
                    )),
                "1 checkpoint sequence=0 capacity=1000000 spans=100000000,500000000,60000000000 "
                    + "pool=p,normal,0,-,expandable vm=a,/,1,normal,0,-,-,-,-"
            ),
        ]
        for (record, text) in records {
            #expect(record.line == text)
            #expect(try JournalRecord(line: text) == record)
        }
    }

    @Test(
        "A line that is no record is refused, with what is wrong",
        arguments: [
            ("", .unknownVersion("")), ("2 capacity amount=1", .unknownVersion("2")), ("1", .unknownKind("")),
            ("1 hello", .unknownKind("hello")), ("1 capacity", .missing(field: "amount")),
            ("1 capacity amount=", .invalid(field: "amount", value: "")),
            ("1 capacity amount=-1", .invalid(field: "amount", value: "-1")),
            ("1 capacity amount=01", .invalid(field: "amount", value: "01")),
            ("1 capacity amount=1000000000001", .invalid(field: "amount", value: "1000000000001")),
            ("1 capacity amount=1,2", .invalid(field: "amount", value: "1,2")),
            ("1 capacity amount=1 ", .unexpected("")), ("1 capacity amount=1 x=2", .unexpected("x=2")),
            ("1 observation time=1 vm=a,1,1,1", .invalid(field: "vm", value: "a,1,1,1")),
            ("1 observation time=1 vm=a/b,1,1,1,1", .invalid(field: "vm", value: "a/b,1,1,1,1")),
            ("1 change add-vm=a,/,0,normal,0,-", .invalid(field: "add-vm", value: "a,/,0,normal,0,-")),
            ("1 change add-vm=a,/,1,007,0,-", .invalid(field: "add-vm", value: "a,/,1,007,0,-")),
            ("1 change add-vm=a,/,1,normal,5,4", .invalid(field: "add-vm", value: "a,/,1,normal,5,4")),
            ("1 checkpoint sequence=0 capacity=1 spans=3,2,1", .invalid(field: "spans", value: "3,2,1")),
        ] as [(String, JournalError)])
    func refused(line: String, error: JournalError) {
        #expect(throws: error) { try JournalRecord(line: line) }
        #expect(!error.description.isEmpty)
    }

    @Test("A checkpoint that is no tree, or not in order, is refused")
    func badCheckpoints() {
        let start = "1 checkpoint sequence=0 capacity=1 spans=1,2,3 "
        let a = "vm=a,/,1,normal,0,-,-,-,-"
        let b = "vm=b,/,1,normal,0,-,1,2,3"
        #expect(throws: Never.self) { try JournalRecord(line: start + a + " " + b) }
        #expect(throws: JournalError.unexpected("vm")) { try JournalRecord(line: start + b + " " + a) }
        #expect(throws: JournalError.self) { try JournalRecord(line: start + a + " " + a) }
        #expect(throws: JournalError.self) { try JournalRecord(line: start + "pool=x/y,normal,0,-,fixed") }
        #expect(throws: JournalError.self) { try JournalRecord(line: start + a + ",4") }
        #expect(throws: JournalError.self) {
            try JournalRecord(line: start + "vm=a,/,1,normal,0,-,18446744073709551615,2,3")
        }
    }

    @Test("Whatever a line holds, it is refused or is the one text of its record")
    func hostile() throws {
        var random = SeededNumbers(seed: 11)
        let lines = try session(seed: 5, steps: 40)
        let alphabet = Array("0123456789,,==  -/.abcvmpool1%\u{0}é\n".utf8)
        var read = 0
        for _ in 0..<8000 {
            var bytes = Array(lines[random.below(lines.count)].utf8)
            for _ in 0..<1 + random.below(3) where !bytes.isEmpty {
                let place = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[place] = alphabet[random.below(alphabet.count)]
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(alphabet[random.below(alphabet.count)], at: place)
                default: bytes.removeLast(bytes.count - place)
                }
            }
            let line = String(decoding: bytes, as: UTF8.self)
            guard let record = try? JournalRecord(line: line) else { continue }
            read += 1
            #expect(record.line == line)
            // What can be read can be used.
            if case .checkpoint(var policy) = record {
                _ = policy.decide(random.observation(of: policy.tree))
            }
        }
        #expect(read > 200)
    }

    @Test("A VM that was never observed may want all it can use; one that is gone is passed over")
    func newcomers() throws {
        var policy = CPUPolicy(capacity: .one)
        try policy.apply(.addVM(vm("old")))
        let second: UInt64 = 1_000_000_000
        func observe(_ used: UInt64) throws -> Decision {
            policy.decide(
                Observation(
                    time: 1,
                    virtualMachines: [
                        .init(
                            name: try VMName("old"), elapsed: second, times: CPUTimes(used: used, ready: 0)),
                        .init(
                            name: try VMName("ghost"), elapsed: second,
                            times: CPUTimes(used: second, ready: 0)),
                    ]))
        }
        #expect(try observe(second / 4).virtualMachines.map(\.entitlement.description) == ["0.25"])
        try policy.apply(.addVM(vm("new")))
        let decision = try observe(second / 4)
        #expect(decision.virtualMachines.map(\.entitlement.description) == ["0.75", "0.25"])
        #expect(decision.virtualMachines.map(\.atWorst.description) == ["0.5", "0.5"])
        #expect(decision.virtualMachines.map(\.demand.description) == ["1", "0.25"])
        #expect(decision.sequence == 2)
        try policy.apply(.removeVM(VMName("new")))
        #expect(try policy.demand(of: VMName("old"))?.description == "0.25")
    }

    @Test("When the host loses CPUs, decisions say that reservations are not met")
    func lostCapacity() throws {
        var policy = CPUPolicy(capacity: .cpus(2))
        try policy.apply(.addVM(vm("a", reserved: "1")))
        #expect(policy.decide(Observation(time: 0, virtualMachines: [])).reservationsAreMet)
        policy.setCapacity(try cpus("0.5"))
        #expect(!policy.decide(Observation(time: 1, virtualMachines: [])).reservationsAreMet)
    }
}

extension RandomTree {
    mutating func observation(of tree: ResourceTree, time: UInt64) -> Observation {
        random.observation(of: tree, time: time)
    }
}

extension SeededNumbers {
    /// What might be measured of a tree's VMs: most of them, and sometimes one that is not there.
    mutating func observation(of tree: ResourceTree, time: UInt64 = 0) -> Observation {
        var seen: [Observation.VM] = []
        for vm in tree.virtualMachines where chance(90) {
            let elapsed = UInt64(below(2_000_000_000))
            let all = Int(elapsed) * vm.settings.virtualCPUs
            let used = below(all + 1)
            let ready = below(all - used + 1)
            seen.append(
                Observation.VM(
                    name: vm.name, elapsed: elapsed,
                    times: CPUTimes(
                        used: UInt64(used), ready: UInt64(ready),
                        limited: UInt64(below(all - used - ready + 1)))))
        }
        return Observation(time: time, virtualMachines: seen)
    }
}
