import Testing

@testable import Introspection

@Suite("Red-black trees") struct TreeTests {
    private let machine = KernelFixture()

    /// Nodes at 8 of 32 bytes, each with its number at 0.
    private func node(_ number: UInt64, _ left: VirtualAddress?, _ right: VirtualAddress?) -> VirtualAddress {
        let structure = machine.allocate(32)
        machine.store(number, at: structure)
        for (link, child) in [(24, left), (16, right)] {
            guard let child else { continue }
            machine.store(child + 8, at: structure + link)
            // The lowest bit is the node's colour.
            machine.store((structure + 8).rawValue | number & 1, at: child + 8)
        }
        return structure
    }

    private func read(_ top: VirtualAddress?, limit: Int = 100) throws -> [UInt64] {
        let root = machine.allocate(8)
        if let top { machine.store(top + 8, at: root) }
        let kernel = try machine.kernel()
        var found: [UInt64] = []
        try kernel.forEach(inTreeAt: root, offset: 8, limit: limit) { structure throws(ReadError) in
            found.append(try kernel.load(UInt64.self, at: structure))
            return found.last != 99
        }
        return found
    }

    @Test("In its order, from the leftmost on") func order() throws {
        let top = node(4, node(2, node(1, nil, nil), node(3, nil, nil)), node(6, node(5, nil, nil), nil))
        #expect(try read(top) == [1, 2, 3, 4, 5, 6])
        #expect(try read(nil).isEmpty)
        #expect(try read(node(99, node(1, nil, nil), node(100, nil, nil))) == [1, 99])
    }

    @Test("Links that disagree, circles and too many nodes are said") func hostile() throws {
        let leaf = node(1, nil, nil)
        let top = node(2, leaf, nil)
        #expect(throws: ReadError.self) { try read(top, limit: 1) }
        // The leaf leads back to the top, whose parent it is not.
        machine.store(top + 8, at: leaf + 16)
        #expect(throws: ReadError.self) { try read(top) }
        machine.store(0x4141_4141, at: leaf + 16)
        #expect(throws: ReadError.self) { try read(top) }
        machine.store(0 as UInt64, at: leaf + 16)
        machine.store(0xFFFF_8880_0000_0000, at: leaf + 8)
        #expect(throws: ReadError.self) { try read(top) }
    }

    @Test("A tree deeper than any can be is said") func deep() throws {
        var top = node(0, nil, nil)
        for number in 1..<200 { top = node(UInt64(number), top, nil) }
        #expect(throws: ReadError.self) { try read(top, limit: 1000) }
    }
}
