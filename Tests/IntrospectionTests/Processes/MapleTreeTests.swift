import Testing

@testable import Introspection

@Suite("Maple trees") struct MapleTreeTests {
    private let machine = KernelFixture()

    /// The nodes as a 64-bit kernel has them: 16 slots, or 10 with as many sizes of gaps.
    init() {
        machine.describe(
            "maple_range_64", size: 256,
            [
                ("parent", .number(8), 0), ("pivot", .numbers(bytes: 8, count: 15), 8),
                ("slot", .numbers(bytes: 8, count: 16), 128),
            ])
        machine.describe(
            "maple_arange_64", size: 256,
            [
                ("parent", .number(8), 0), ("pivot", .numbers(bytes: 8, count: 9), 8),
                ("slot", .numbers(bytes: 8, count: 10), 80),
            ])
        machine.describe("maple_tree", size: 16, [("ma_root", .number(8), 8)])
    }

    private struct Found: Equatable {
        let entry: UInt64
        let first: UInt64
        let last: UInt64
    }

    /// What a pointer in the tree may be: its number in the kernel's memory.
    private static func entry(_ number: UInt64) -> UInt64 { 0xFFFF_8880_0000_0000 | number << 8 }

    private func leaf(_ parts: [(last: UInt64, entry: UInt64)]) -> VirtualAddress {
        let node = machine.allocate(256)
        machine.store(0x1, at: node)
        for (index, part) in parts.enumerated() {
            if index < 15 { machine.store(part.last, at: node + 8 + index * 8) }
            machine.store(part.entry, at: node + 128 + index * 8)
        }
        return node
    }

    private func branch(_ parts: [(last: UInt64, node: UInt64)]) -> VirtualAddress {
        let node = machine.allocate(256)
        machine.store(0x1, at: node)
        for (index, part) in parts.enumerated() {
            if index < 9 { machine.store(part.last, at: node + 8 + index * 8) }
            machine.store(part.node, at: node + 80 + index * 8)
        }
        return node
    }

    /// A leaf's or branch's address as its parent holds it.
    private func leafLink(_ node: VirtualAddress) -> UInt64 { node.rawValue | 1 << 3 | 4 }
    private func branchLink(_ node: VirtualAddress) -> UInt64 { node.rawValue | 3 << 3 | 4 }

    private func read(root: UInt64) throws -> [Found] {
        let tree = machine.allocate(16)
        machine.store(root, at: tree + 8)
        var found: [Found] = []
        try MapleTree(machine.kernel()).forEach(in: tree) { entry, range in
            found.append(Found(entry: entry.rawValue, first: range.lowerBound, last: range.upperBound))
            return true
        }
        return found
    }

    @Test("Nothing, and one entry without a node") func withoutNodes() throws {
        #expect(try read(root: 0).isEmpty)
        #expect(try read(root: Self.entry(7)) == [Found(entry: Self.entry(7), first: 0, last: 0)])
    }

    @Test("Ranges in their order, gaps left out, the last one up to the node's end") func branches() throws {
        let low = leaf([(0xFFF, 0), (0x2FFF, Self.entry(1)), (0x3FFF, Self.entry(2)), (0, 0)])
        // No pivot behind the last entry: it ends where the node does.
        let middle = leaf([(0x5FFF, Self.entry(3)), (0, Self.entry(4))])
        let high = leaf([(0x7FFF, 0), (0x8FFF, Self.entry(5)), (.max, 0)])
        let top = branch([(0x3FFF, leafLink(low)), (0x6FFF, leafLink(middle)), (.max, leafLink(high))])
        #expect(
            try read(root: top.rawValue | 3 << 3 | 6) == [
                Found(entry: Self.entry(1), first: 0x1000, last: 0x2FFF),
                Found(entry: Self.entry(2), first: 0x3000, last: 0x3FFF),
                Found(entry: Self.entry(3), first: 0x4000, last: 0x5FFF),
                Found(entry: Self.entry(4), first: 0x6000, last: 0x6FFF),
                Found(entry: Self.entry(5), first: 0x8000, last: 0x8FFF),
            ])
    }

    @Test("A full leaf: its last slot has no pivot") func fullLeaf() throws {
        let parts = (1...16).map { (last: UInt64($0) * 16 - 1, entry: Self.entry(UInt64($0))) }
        let found = try read(root: leaf(parts).rawValue | 1 << 3 | 6)
        #expect(found.count == 16)
        #expect(found.last == Found(entry: Self.entry(16), first: 240, last: .max))
    }

    @Test("What the kernel itself keeps in a leaf is no entry") func internalEntries() throws {
        // XA_ZERO_ENTRY, which stands for an area that is being copied.
        let node = leaf([(0xFF, 0x406), (0x1FF, Self.entry(1)), (.max, 0)])
        #expect(
            try read(root: node.rawValue | 1 << 3 | 6) == [
                Found(entry: Self.entry(1), first: 0x100, last: 0x1FF)
            ])
    }

    /// What reading a tree fails with: the sentence, with the tree's address left out.
    private func failure(root: UInt64) -> String? {
        do {
            _ = try read(root: root)
            return nil
        } catch ReadError.inconsistent(let what) {
            return what.split(separator: " ").filter { !$0.hasPrefix("0xffff8880") }.joined(separator: " ")
        } catch {
            return "\(error)"
        }
    }

    @Test("A circle, ranges out of order, wild links and dead nodes are said, not followed") func hostile() {
        let circle = branch([(.max, 0)])
        machine.store(branchLink(circle), at: circle + 80)
        #expect(failure(root: circle.rawValue | 3 << 3 | 6) == "the maple tree at does not end")

        let backwards = leaf([(0x2FFF, Self.entry(1)), (0x1FFF, Self.entry(2))])
        #expect(
            failure(root: backwards.rawValue | 1 << 3 | 6) == "the maple tree at has ranges out of order")

        // A child whose ranges are not its parent's.
        let child = leaf([(0x2FFF, Self.entry(1))])
        let parent = branch([(0x1FFF, leafLink(child)), (.max, 0)])
        #expect(failure(root: parent.rawValue | 3 << 3 | 6) == "the maple tree at has ranges out of order")

        let wild = branch([(.max, 0x4141_4141_4141_410C)])
        #expect(
            failure(root: wild.rawValue | 3 << 3 | 6)
                == "the maple tree at leads to 0x414141414141410c")

        let dead = leaf([(.max, Self.entry(1))])
        machine.store(dead, at: dead)
        #expect(
            failure(root: dead.rawValue | 1 << 3 | 6)
                == "the maple tree at leads to a node that is none any more")

        #expect(
            failure(root: dead.rawValue | 7 << 3 | 6) == "the maple tree at has a node of kind 7")
    }
}
