import GuestMemory
import Introspection
import Testing

@Suite("Page walks and memory by address") struct PageWalkViewTests {
    private let source = MemorySource(size: 1 << 20)
    private let kernel: Kernel

    /// Virtual 0 to 8 KiB on physical 0x9000 and 0x7000; 2 MiB on 2 MiB; the page behind both swapped out.
    init() {
        source.store(0x2067, at: 0x1000)
        source.store(0x3067, at: 0x2000)
        source.store(0x4067, at: 0x3000)
        source.store(1 << 63 | 0x9000 | 0x225, at: 0x4000)
        source.store(0x7000 | 0x63, at: 0x4008)
        source.store(0x55_0000, at: 0x4010)
        source.store(0x100, at: 0x4018)
        source.store(0x20_01E3, at: 0x3008)
        kernel = HandmadeKernel.make(source, root: 0x1000)
    }

    @Test("Every entry on the way, with its flags") func fourKibibytes() throws {
        let rows = try PageWalkView(kernel).read(VirtualAddress(0x123), in: .kernel)
        #expect(rows.map(\.name) == ["PML4E", "PDPTE", "PDE", "PTE"])
        #expect(rows.map(\.place) == [0x1000, 0x2000, 0x3000, 0x4000])
        #expect(rows.map(\.target) == [0x2000, 0x3000, 0x4000, 0x9123])
        #expect(rows[0].flags == ["P", "RW", "US", "A"])
        #expect(rows[3].flags == ["P", "RO", "US", "A", "special", "XD"])
        #expect(rows[3].pageSize == 4096)
        #expect(rows[2].pageSize == nil)
    }

    @Test("A large page ends the way") func large() throws {
        let rows = try PageWalkView(kernel).read(VirtualAddress(0x20_0042), in: .kernel)
        #expect(rows.count == 3)
        #expect(rows[2].flags == ["P", "RW", "SV", "A", "D", "PS", "G"])
        #expect(rows[2].target == 0x20_0042)
        #expect(rows[2].index == 1)
    }

    @Test("What is not present says why") func notPresent() throws {
        let view = PageWalkView(kernel)
        #expect(try view.read(VirtualAddress(0x2000), in: .kernel).last?.flags == ["not-present", "swap"])
        #expect(
            try view.read(VirtualAddress(0x3000), in: .kernel).last?.flags == ["not-present", "PROT_NONE"])
        let empty = try view.read(VirtualAddress(1 << 39), in: .kernel)
        #expect(empty.count == 1)
        #expect(empty.first?.flags == ["none"])
        #expect(empty.first?.target == nil)
        #expect(try view.read(VirtualAddress(1 << 47), in: .kernel).isEmpty)
    }

    @Test("Bytes across pages that are not neighbours, and physical ones") func bytes() throws {
        for (index, byte) in Array("left".utf8).enumerated() { source.memory[0x9FFC + index] = byte }
        for (index, byte) in Array("right".utf8).enumerated() { source.memory[0x7000 + index] = byte }
        let view = BytesView(kernel)
        #expect(try view.read(0xFFC, count: 9, in: .kernel).bytes == Array("leftright".utf8))
        #expect(try view.read(0x7000, count: 5, in: .physical).bytes == Array("right".utf8))
        #expect(throws: IntrospectionError.read(.notMapped(VirtualAddress(0x2000)))) {
            try view.read(0x1FF0, count: 32, in: .kernel)
        }
        #expect(throws: IntrospectionError.self) { try view.read(0, count: -1, in: .physical) }
        #expect(throws: IntrospectionError.self) { try view.read(.max - 3, count: 8, in: .physical) }
    }
}
