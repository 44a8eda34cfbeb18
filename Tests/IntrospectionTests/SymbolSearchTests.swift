import Testing

@testable import Introspection

@Suite("Symbols by prefix and address") struct SymbolSearchTests {
    private static let base = HandmadeKernel.image
    private static let symbols: [(String, UInt64)] = [
        ("_stext", base), ("do_idle", base + 0x100), ("do_idle_alias", base + 0x100),
        ("do_exit", base + 0x300),
        ("idle", base + 0x340), ("do_idle", base + 0x400), ("_etext", base + 0x500),
    ]

    private let view = SymbolView(
        HandmadeKernel.make(MemorySource(size: 4096), symbols: symbols, imageSize: 0x1000))

    @Test("A name has all its symbols, a star all that begin so") func names() throws {
        #expect(try view.read("do_idle").map(\.address.rawValue) == [Self.base + 0x100, Self.base + 0x400])
        #expect(
            try view.read("do_*").map(\.name.symbol.name) == [
                "do_idle", "do_idle_alias", "do_exit", "do_idle",
            ])
        #expect(throws: IntrospectionError.notFound("the kernel has no symbol gone")) {
            try view.read("gone")
        }
    }

    @Test("An address has the symbol it lies in, as the kernel prints it") func addresses() throws {
        func text(_ offset: UInt64) throws -> String? {
            try view.read("0x" + String(Self.base + offset, radix: 16)).first?.name.description
        }
        #expect(try text(0x100) == "do_idle+0x0/0x200")
        #expect(try text(0x2FF) == "do_idle+0x1ff/0x200")
        #expect(try text(0x345) == "idle+0x5/0xc0")
        #expect(throws: IntrospectionError.self) { try view.read("0x10") }
        #expect(throws: IntrospectionError.notFound("'0xno' is no hexadecimal address")) {
            try view.read("0xno")
        }
    }

    @Test("A return address is named by the call before it") func returns() {
        let names = CodeSymbols(
            HandmadeKernel.make(MemorySource(size: 4096), symbols: Self.symbols, imageSize: 0x1000))
        #expect(
            names.name(ofReturnTo: VirtualAddress(Self.base + 0x300))?.description == "do_idle+0x200/0x200")
        #expect(names.isCode(VirtualAddress(Self.base + 0x4FF)))
        #expect(!names.isCode(VirtualAddress(Self.base + 0x500)))
    }

    @Test("When the image moves its symbols move, and per-CPU ones, which are numbers, do not") func moved() {
        var table = HandmadeKernel.table(Self.symbols + [("current_task", 0x1FB80), ("cpu_number", 0x1FC00)])
        table.base = VirtualAddress(Self.base + 0x3A40_0000)
        #expect(table.address(of: "idle")?.rawValue == Self.base + 0x3A40_0340)
        #expect(table.address(of: "current_task")?.rawValue == 0x1FB80)
        #expect(table.symbol(at: VirtualAddress(Self.base + 0x3A40_0345))?.distance == 5)
        #expect(table.symbol(at: VirtualAddress(0x1FB80)) == nil)
        #expect(table.symbol(at: VirtualAddress(0x5580_0000_0000)) == nil)
        #expect(table.all(named: "current_task").first.flatMap { table.size(of: $0) } == 0x80)
        #expect(table.all(named: "cpu_number").first.flatMap { table.size(of: $0) } == nil)
    }

    @Test("A version is the banner's first two numbers") func version() throws {
        let version = Kernel.version(inBanner: "Linux version 6.12.9+bpo-amd64 (debian@x) (gcc)")
        #expect(version?.major == 6)
        #expect(version?.minor == 12)
        #expect(Kernel.version(inBanner: "Linux something else") == nil)
    }
}
