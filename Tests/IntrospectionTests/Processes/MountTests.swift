import Testing

@testable import Introspection

@Suite("Mounts") struct MountTests {
    private let fixture = ProcessFixture()
    private let tree: FileTreeFixture
    private let space: VirtualAddress
    private var machine: KernelFixture { fixture.machine }

    /// A process 1 whose namespace lists the mounts of `tree`: before Linux 6.8.
    init() {
        let machine = fixture.machine
        tree = FileTreeFixture(machine)
        machine.describe("nsproxy", size: 8, [("mnt_ns", .number(8), 0)])
        machine.describe("mnt_namespace", size: 16, [("list", .structure("list_head"), 0)])
        machine.describe("fs_struct", size: 16, [("root", .structure("path"), 0)])
        machine.describe(
            "super_block", size: 24,
            [("s_flags", .number(8), 0), ("s_type", .number(8), 8), ("s_subtype", .number(8), 16)])
        machine.describe("file_system_type", size: 8, [("name", .number(8), 0)])
        let task = fixture.add(1, "init")
        let proxy = machine.allocate(8)
        let place = machine.allocate(16)
        space = machine.allocate(16)
        machine.store(proxy, at: task + 144)
        machine.store(space, at: proxy)
        machine.store(place, at: task + 152)
        machine.store(tree.firstMount + 16, at: place)
        machine.store(tree.firstRoot, at: place + 8)
    }

    /// Says what is mounted; the mount's parts are as `FileTreeFixture` lays them out.
    private func describe(
        _ mount: VirtualAddress, _ source: String?, type: String, subtype: String? = nil, number: UInt32,
        flags: UInt32, systemFlags: UInt64 = 0
    ) {
        let system = machine.allocate(24)
        let kind = machine.allocate(8)
        machine.store(machine.text(type), at: kind)
        machine.store(systemFlags, at: system)
        machine.store(kind, at: system + 8)
        if let subtype { machine.store(machine.text(subtype), at: system + 16) }
        machine.store(system, at: mount + 24)
        machine.store(half: flags, at: mount + 32)
        if let source { machine.store(machine.text(source), at: mount + 40) }
        machine.store(half: number, at: mount + 48)
    }

    private func list(_ mounts: [VirtualAddress]) {
        let heads = [space] + mounts.map { $0 + 56 }
        for (index, head) in heads.enumerated() {
            let next = heads[(index + 1) % heads.count]
            machine.store(next, at: head)
            machine.store(head, at: next + 8)
        }
    }

    @Test("As /proc/mounts tells them, those left out that the process cannot reach") func mounts() throws {
        let directory = tree.entry("data", in: tree.firstRoot)
        let (data, _) = tree.mount(at: directory, of: tree.firstMount)
        let (elsewhere, _) = tree.mount(at: directory, of: tree.firstMount)
        // Mounted nowhere, as what lies below a process's root.
        machine.store(elsewhere, at: elsewhere)
        let cursor = machine.allocate(72)
        describe(tree.firstMount, "/dev/vda", type: "ext4", number: 1, flags: 0x20)
        describe(data, nil, type: "fuse", subtype: "sshfs", number: 2, flags: 0x47, systemFlags: 16)
        describe(elsewhere, "x", type: "tmpfs", number: 3, flags: 0)
        machine.store(half: 0x1000_0000, at: cursor + 32)
        list([tree.firstMount, cursor, data, elsewhere])
        let rows = try MountList(machine.kernel()).read()
        #expect(rows.map(\.number) == [1, 2])
        #expect(rows.map(\.source) == ["/dev/vda", "none"])
        #expect(rows.map(\.point) == ["/", "/data"])
        #expect(rows.map(\.type) == ["ext4", "fuse.sshfs"])
        #expect(rows.map(\.options) == [["rw", "relatime"], ["ro", "sync", "nosuid", "nodev", "noexec"]])
    }

    @Test("A process that has ended has none; a broken list is said") func hostile() throws {
        fixture.add(2, "gone")
        list([tree.firstMount])
        #expect(throws: IntrospectionError.notFound("process 2 has ended: it has no mounts any more")) {
            try MountList(machine.kernel()).read(process: 2)
        }
        machine.store(0x4141_4141, at: space)
        #expect(throws: IntrospectionError.self) { try MountList(machine.kernel()).read() }
    }
}
