import Testing

@testable import Introspection

@Suite("Open files") struct OpenFileTests {
    private let fixture = ProcessFixture()
    private let tree: FileTreeFixture
    private let table: VirtualAddress

    /// A process 10 with a table of 128 descriptors, none of them in use.
    init() {
        let machine = fixture.machine
        tree = FileTreeFixture(machine, inodeMembers: [("i_mode", .number(2), 16)])
        machine.describe("files_struct", size: 8, [("fdt", .number(8), 0)])
        machine.describe(
            "fdtable", size: 32,
            [
                ("max_fds", .number(4), 0), ("fd", .number(8), 8), ("close_on_exec", .number(8), 16),
                ("open_fds", .number(8), 24),
            ])
        machine.describe(
            "file", size: 48,
            [
                ("f_path", .structure("path"), 0), ("f_inode", .number(8), 16), ("f_flags", .number(4), 24),
                ("f_pos", .signed(8), 32),
            ])
        let task = fixture.add(10, "some")
        let files = machine.allocate(8)
        table = machine.allocate(32)
        machine.store(files, at: task + 136)
        machine.store(table, at: files)
        machine.store(half: 128, at: table)
        machine.store(machine.allocate(1024), at: table + 8)
        machine.store(machine.allocate(16), at: table + 16)
        machine.store(machine.allocate(16), at: table + 24)
    }

    private func open(
        _ descriptor: Int, _ entry: VirtualAddress, mode: UInt64, flags: UInt32, closes: Bool = false
    ) throws {
        let machine = fixture.machine
        let kernel = try machine.kernel()
        let file = machine.allocate(48)
        let inode = machine.allocate(24)
        machine.store(4711 as UInt64, at: inode)
        machine.store(mode, at: inode + 16)
        machine.store(inode, at: entry + 8)
        machine.store(tree.firstMount + 16, at: file)
        machine.store(entry, at: file + 8)
        machine.store(inode, at: file + 16)
        machine.store(half: flags, at: file + 24)
        machine.store(1234, at: file + 32)
        machine.store(file, at: try kernel.pointer(at: table + 8) + descriptor * 8)
        for (place, isSet) in [(24, true), (16, closes)] where isSet {
            let word = try kernel.pointer(at: table + place) + descriptor / 64 * 8
            machine.store(try kernel.load(UInt64.self, at: word) | 1 << UInt64(descriptor % 64), at: word)
        }
    }

    private func rows() throws -> [OpenFileRow] {
        try OpenFileList(fixture.machine.kernel()).read(process: 10)
    }

    @Test("Descriptors with what they are, as /proc/PID/fd and fdinfo tell") func files() throws {
        let log = tree.entry("log", in: tree.firstRoot)
        try open(0, tree.entry("dev", in: tree.firstRoot), mode: 0o020600, flags: 2)
        try open(3, log, mode: 0o100644, flags: 0o4012001)
        try open(70, tree.entry("x", in: log), mode: 0o040755, flags: 0o200000, closes: true)
        let rows = try rows()
        #expect(rows.map(\.descriptor) == [0, 3, 70])
        #expect(rows.map(\.kind) == [.character, .regular, .directory])
        #expect(rows.map(\.access) == ["rw", "w", "r"])
        #expect(rows.map(\.flags) == [[], ["append", "sync"], ["directory", "cloexec"]])
        #expect(rows.map(\.path) == ["/dev", "/log", "/log/x"])
        #expect(rows.map(\.inode) == [4711, 4711, 4711])
        #expect(rows.map(\.position) == [1234, 1234, 1234])
    }

    @Test("A path that cannot be read costs the path only") func broken() throws {
        let wild = tree.entry("wild", in: VirtualAddress(0x4141_4141))
        try open(1, wild, mode: 0o100644, flags: 0)
        try open(2, tree.entry("good", in: tree.firstRoot), mode: 0o100644, flags: 0)
        #expect(try rows().map(\.path) == [nil, "/good"])
    }

    @Test("A table of more descriptors than can be is said") func tooMany() throws {
        fixture.machine.store(half: 0x7FFF_FFFF, at: table)
        #expect(
            throws: IntrospectionError.read(
                .inconsistent("a process has a table of 2147483647 file descriptors"))
        ) { try rows() }
    }

    @Test(
        "Flags by their names",
        arguments: [
            (0o100000, "r", []), (0o10000000, "", ["path"]), (0o20200002, "rw", ["tmpfile"]),
            (0o10001, "w", ["dsync"]), (0o44000, "r", ["nonblock", "direct"]),
        ] as [(UInt32, String, [String])])
    func flags(flags: UInt32, access: String, names: [String]) {
        #expect(OpenFlags.access(flags) == access)
        #expect(OpenFlags.names(flags, closesOnExec: false) == names)
    }
}
