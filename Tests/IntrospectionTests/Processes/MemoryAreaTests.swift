import Testing

@testable import Introspection

@Suite("Memory areas") struct MemoryAreaTests {
    private let fixture = ProcessFixture()
    private let tree: FileTreeFixture
    private let memory: VirtualAddress
    private var machine: KernelFixture { fixture.machine }

    /// A process 10 without areas, of a kernel that keeps them in a list.
    init() {
        let machine = fixture.machine
        tree = FileTreeFixture(machine, inodeMembers: [("i_sb", .number(8), 16)])
        machine.describe("super_block", size: 8, [("s_dev", .number(4), 0)])
        machine.describe(
            "file", size: 32,
            [("f_path", .structure("path"), 0), ("f_inode", .number(8), 16), ("f_mode", .number(4), 24)])
        machine.describe(
            "vm_area_struct", size: 88,
            [
                ("vm_start", .number(8), 0), ("vm_end", .number(8), 8), ("vm_next", .number(8), 16),
                ("vm_mm", .number(8), 24), ("vm_flags", .number(8), 32), ("vm_ops", .number(8), 40),
                ("vm_pgoff", .number(8), 48), ("vm_file", .number(8), 56),
                ("vm_private_data", .number(8), 64),
                ("anon_name", .number(8), 72),
            ])
        machine.describe("vm_special_mapping", size: 8, [("name", .number(8), 0)])
        memory = fixture.addMemory([])
        fixture.add(10, "some", memory: memory)
        for (place, value) in [(184, 0x2000), (192, 0x2800), (200, 0x7FF8)] {
            machine.store(UInt64(value), at: memory + place)
        }
    }

    private func area(_ range: Range<UInt64>, flags: UInt64, after previous: VirtualAddress?)
        -> VirtualAddress
    {
        let area = machine.allocate(88)
        machine.store(range.lowerBound, at: area)
        machine.store(range.upperBound, at: area + 8)
        machine.store(memory, at: area + 24)
        machine.store(flags, at: area + 32)
        machine.store(area, at: previous.map { $0 + 16 } ?? memory + 176)
        return area
    }

    private func rows() throws -> [MemoryAreaRow] {
        try MemoryAreaList(machine.kernel()).read(process: 10)
    }

    @Test("As /proc/PID/maps tells them") func areas() throws {
        let text = area(0x1000..<0x2000, flags: 0x75, after: nil)
        let heap = area(0x2000..<0x3000, flags: 0x73, after: text)
        let named = area(0x3000..<0x5000, flags: 0xFB, after: heap)
        let stack = area(0x6000..<0x8000, flags: 0x100173, after: named)
        let special = area(0x9000..<0xA000, flags: 0x75, after: stack)
        let file = machine.allocate(32)
        let inode = machine.allocate(24)
        let system = machine.allocate(8)
        machine.store(half: 254 << 20 | 1, at: system)
        machine.store(815 as UInt64, at: inode)
        machine.store(system, at: inode + 16)
        machine.store(tree.firstMount + 16, at: file)
        machine.store(tree.entry("program", in: tree.firstRoot), at: file + 8)
        machine.store(inode, at: file + 16)
        machine.store(file, at: text + 56)
        machine.store(3 as UInt64, at: text + 48)
        // The text stands behind a counter.
        let name = machine.text("....pool")
        machine.store(name, at: named + 72)
        let operations = machine.allocate(8)
        machine.name("special_mapping_vmops", operations)
        machine.store(KernelFixture.inImage(operations), at: special + 40)
        let mapping = machine.allocate(8)
        machine.store(machine.text("[vdso]"), at: mapping)
        machine.store(mapping, at: special + 64)

        let rows = try rows()
        #expect(rows.map(\.start) == [0x1000, 0x2000, 0x3000, 0x6000, 0x9000])
        #expect(rows.map(\.end) == [0x2000, 0x3000, 0x5000, 0x8000, 0xA000])
        #expect(rows.map(\.permissions) == ["r-xp", "rw-p", "rw-s", "rw-p", "r-xp"])
        #expect(rows.map(\.path) == ["/program", "[heap]", "[anon:pool]", "[stack]", "[vdso]"])
        #expect(rows.map(\.offset) == [0x3000, 0, 0, 0, 0])
        #expect(rows.map(\.device) == ["fe:01", nil, nil, nil, nil])
        #expect(rows.map(\.inode) == [815, nil, nil, nil, nil])
    }

    @Test("Areas in a circle, out of order or of another process are said") func hostile() throws {
        let one = area(0x1000..<0x2000, flags: 1, after: nil)
        let two = area(0x2000..<0x3000, flags: 1, after: one)
        #expect(try rows().count == 2)
        machine.store(one, at: two + 16)
        #expect(
            throws: IntrospectionError.read(
                .inconsistent("the memory areas of process 10 are out of order"))
        ) { try rows() }
        machine.store(0 as UInt64, at: two + 16)
        machine.store(machine.allocate(256), at: two + 24)
        #expect(
            throws: IntrospectionError.read(.inconsistent("\(two) is no memory area of this process"))
        ) { try rows() }
    }
}
