import Testing

@testable import Introspection

@Suite("Processes") struct ProcessListTests {
    @Test("A process as ps tells it") func process() throws {
        let fixture = ProcessFixture()
        let memory = fixture.addMemory(Array("/bin/server\0--port\0".utf8) + Array("8080\0".utf8))
        let first = fixture.add(1, "init")
        fixture.add(2, "kthreadd", flags: 0x0020_0000, memory: memory)
        let server = fixture.add(300, "server", parent: first, memory: memory)
        // Pages of files, private and shared; those swapped out are not resident.
        for (kind, pages) in [10, 20, 1000, 30].enumerated() {
            fixture.machine.store(UInt64(pages), at: memory + 48 + kind * 8)
        }
        // What this task has not added yet: 2 private pages more, 1 of a file less.
        fixture.machine.store(half: UInt32(bitPattern: -1), at: server + 120)
        fixture.machine.store(half: 2, at: server + 124)

        let rows = try fixture.rows()
        #expect(rows.map(\.pid) == [1, 2, 300])
        #expect(rows.map(\.command) == ["[init]", "[kthreadd]", "/bin/server --port 8080"])
        #expect(rows.map(\.parent) == [0, 0, 1])
        #expect(rows.map(\.isKernelThread) == [false, true, false])
        #expect(rows.map(\.residentSize) == [nil, nil, 61 * 4096])
        #expect(rows.map(\.virtualSize) == [nil, nil, 100 * 4096])
        #expect(rows[2].user == 1000)
        #expect(rows[2].state == .sleeping)
        #expect(rows[2].start == 300_000_000_000)
        #expect(rows[2].processorTime == 12_000_000)
        #expect(try fixture.rows(details: false).map(\.command) == ["init", "[kthreadd]", "server"])
    }

    @Test("A process's time is that of all its threads; each thread has its own") func threads() throws {
        let fixture = ProcessFixture()
        let leader = fixture.add(10, "first")
        let signal = VirtualAddress(
            try fixture.machine.kernel().load(UInt64.self, at: leader + 80))
        let second = fixture.addThread(11, to: leader, group: 10, signal: signal)
        let row = try #require(try fixture.rows().first)
        #expect(row.threadCount == 2)
        #expect(row.processorTime == 19_000_000)
        let threads = try ProcessList(fixture.machine.kernel()).readThreads()
        #expect(threads.map(\.thread.thread) == [10, 11])
        #expect(threads.map(\.thread.pid) == [10, 10])
        #expect(threads.map(\.thread.name) == ["first", "second"])
        #expect(threads.map(\.thread.processorTime) == [7_000_000, 7_000_000])
        #expect(try TaskList(fixture.machine.kernel()).task(11) == second)
    }

    @Test("A kernel thread's whole name; its task's if it is wild, and of programs always") func wholeNames()
        throws
    {
        let fixture = ProcessFixture()
        let whole = fixture.machine.allocate(112)
        fixture.machine.store(fixture.machine.text("ext4-rsv-conversion"), at: whole + 104)
        let wild = fixture.machine.allocate(112)
        fixture.machine.store(0xFFFF_C900_0000_0000, at: wild + 104)
        let none = fixture.machine.allocate(112)
        for (pid, flags, thread) in [
            (10, 0x0020_0000, whole), (11, 0x0020_0000, wild), (12, 0x0020_0000, none),
            (13, 0x0020_0000, .null), (14, 0, whole),
        ] as [(UInt32, UInt32, VirtualAddress)] {
            fixture.machine.store(thread, at: fixture.add(pid, "ext4-rsv-conver", flags: flags) + 160)
        }
        #expect(
            try fixture.rows().map(\.name) == ["ext4-rsv-conversion"]
                + [String](repeating: "ext4-rsv-conver", count: 4))
        #expect(try fixture.rows().first?.command == "[ext4-rsv-conversion]")
    }

    @Test("Pages counted for each processor are added up") func perProcessor() throws {
        let fixture = ProcessFixture(.byProcessor)
        let memory = fixture.addMemory([])
        fixture.add(10, "some", memory: memory)
        let variables = fixture.machine.allocate(0x400)
        for kind in 0..<4 {
            let counter = memory + 48 + kind * 16
            fixture.machine.store(kind == 1 ? 100 : 0, at: counter)
            fixture.machine.store(variables + kind * 8, at: counter + 8)
        }
        // Private pages: 5 more on the first processor, 7 less on the second; and 3 shared ones.
        fixture.machine.store(half: 5, at: variables + 0x108)
        fixture.machine.store(half: UInt32(bitPattern: -7), at: variables + 0x208)
        fixture.machine.store(half: 3, at: variables + 0x118)
        #expect(try fixture.rows().first?.residentSize == 101 * 4096)
    }

    @Test("A title goes on into the environment; arguments that are not in RAM leave the name") func titles()
        throws
    {
        let fixture = ProcessFixture()
        let title = fixture.addMemory(Array("sshd: alice [priv]\0HOME=/\0".utf8), argumentBytes: 6)
        fixture.add(10, "sshd", memory: title)
        #expect(try fixture.rows().first?.command == "sshd: alice [priv]")
        // The second of the two pages is swapped out.
        fixture.machine.store(0x85006, at: KernelFixture.place(0x83008))
        let long = fixture.addMemory(Array("/usr/bin/something\0".utf8))
        fixture.machine.store(0x85006, at: KernelFixture.place(0x83008))
        fixture.add(11, "something", memory: long)
        #expect(try fixture.rows().last?.command == "[something]")
    }

    @Test("A list whose links disagree is said; a broken thread list costs one time") func broken() throws {
        let fixture = ProcessFixture()
        let one = fixture.add(10, "one")
        let two = fixture.add(11, "two")
        let signal = try fixture.machine.kernel().pointer(at: one + 80)
        fixture.addThread(12, to: one, group: 10, signal: signal)
        fixture.machine.store(0x4141_4141, at: signal + 8)
        let rows = try fixture.rows()
        #expect(rows.map(\.processorTime) == [nil, 12_000_000])
        #expect(rows.map(\.name) == ["one", "two"])
        fixture.machine.store(two + 40, at: two + 48)
        #expect(throws: IntrospectionError.self) { try fixture.rows() }
        // A ring that leaves out its head.
        fixture.machine.store(one + 40, at: two + 48)
        fixture.machine.store(one + 40, at: two + 40)
        #expect(throws: IntrospectionError.self) { try fixture.rows() }
    }

    @Test(
        "Letters of states",
        arguments: [
            (0, 0, "R"), (1, 0, "S"), (2, 0, "D"), (0x402, 0, "I"), (4, 0, "T"), (0x104, 0, "T"), (8, 0, "t"),
            (0x80, 0x10, "X"), (0x80, 0x20, "Z"), (0x40, 0, "P"), (0x1000, 0, "D"), (0x8000, 0, "D"),
            (0x2001, 0, "S"), (0x102, 0, "D"),
        ] as [(Int64, Int64, Character)])
    func states(state: Int64, exitState: Int64, letter: Character) {
        #expect(ProcessState(state: state, exitState: exitState).rawValue == letter)
    }

    @Test("Children stand behind parents; orphans and circles at the root") func tree() throws {
        func row(_ pid: Int32, _ parent: Int32?) -> ProcessRow {
            ProcessRow(
                pid: pid, thread: pid, parent: parent, state: .running, start: 0, isKernelThread: false,
                name: "", command: "")
        }
        let rows = [
            row(1, 0), row(2, 0), row(5, 9), row(6, 1), row(7, 6), row(8, 1), row(20, 21), row(21, 20),
        ]
        let tree = ProcessList.tree(rows + [row(30, 30), row(31, nil)])
        #expect(tree.map(\.row.pid) == [1, 6, 7, 8, 2, 5, 30, 31, 20, 21])
        #expect(tree.map(\.depth) == [0, 1, 2, 1, 0, 0, 0, 0, 0, 1])
    }
}
