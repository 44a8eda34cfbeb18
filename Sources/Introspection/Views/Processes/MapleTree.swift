/// Reads the kernel's maple trees, which keep ranges of numbers: since Linux 6.1 a process's memory areas
/// (Linux, Documentation/core-api/maple_tree.rst, include/linux/maple_tree.h).
struct MapleTree {
    private let kernel: Kernel
    private let root: Field
    private let range: Node
    private let allocating: Node

    /// Where the parts of a kind of node lie.
    private struct Node {
        let pivots: Int
        let pivotCount: Int
        let slots: Int
        let slotCount: Int

        init(_ structure: String, of types: TypeTable) throws(IntrospectionError) {
            let pivot = try types.required("pivot", of: structure)
            let slot = try types.required("slot", of: structure)
            guard let pivotCount = types.elements(of: pivot.type)?.count,
                let slotCount = types.elements(of: slot.type)?.count, (1...64).contains(slotCount),
                (0..<slotCount).contains(pivotCount)
            else { throw .missing("arrays in structure \(structure)") }
            pivots = pivot.offset
            self.pivotCount = pivotCount
            slots = slot.offset
            self.slotCount = slotCount
        }
    }

    /// MAPLE_HEIGHT_MAX.
    private static let deepest = 31
    /// A tree of areas has fewer: a process may have 65530 (vm.max_map_count), at least five a node.
    private static let mostNodes = 1 << 20

    /// - Throws: `missing` if this kernel has no maple trees.
    init(_ kernel: Kernel) throws(IntrospectionError) {
        let types = try kernel.types()
        self.kernel = kernel
        root = try types.required("ma_root", of: "maple_tree")
        range = try Node("maple_range_64", of: types)
        allocating = try Node("maple_arange_64", of: types)
    }

    /// Gives every pointer in a tree with its range of numbers, ascending.
    ///
    /// - Parameters:
    ///   - tree: where the `struct maple_tree` lies.
    ///   - body: false ends the walk.
    /// - Throws: `inconsistent` if the tree cannot be one.
    func forEach(
        in tree: VirtualAddress,
        _ body: (_ entry: VirtualAddress, _ range: ClosedRange<UInt64>) throws(ReadError) -> Bool
    ) throws(ReadError) {
        let top = try kernel.load(UInt64.self, at: tree + root.offset)
        guard top != 0 else { return }
        guard Self.isNode(top) else {
            // A tree of one entry has no node: it is at 0.
            if top & 3 == 0 { _ = try body(VirtualAddress(top), 0...0) }
            return
        }
        var nodes = 0
        // What is still to be looked at, the lowest range last.
        var waiting: [(node: UInt64, range: ClosedRange<UInt64>, depth: Int)] = [(top, 0...UInt64.max, 1)]
        while let next = waiting.popLast() {
            nodes += 1
            guard nodes <= Self.mostNodes, next.depth <= Self.deepest else {
                throw .inconsistent("the maple tree at \(tree) does not end")
            }
            // The kind stands in bits 3 to 6: a leaf, or a branch with or without the sizes of gaps.
            let kind = next.node >> 3 & 0xF
            guard (1...3).contains(kind) else {
                throw .inconsistent("the maple tree at \(tree) has a node of kind \(kind)")
            }
            let parts = try slots(
                of: VirtualAddress(next.node & ~0xFF), layout: kind == 3 ? allocating : range,
                in: next.range, tree: tree)
            guard kind != 1 else {
                for part in parts where part.value & 3 == 0 {
                    guard try body(VirtualAddress(part.value), part.range) else { return }
                }
                continue
            }
            for part in parts.reversed() {
                // Branches lead to nodes only: all that is in their low bits is the kind and bit 2.
                guard part.value >> 63 == 1, part.value & 0x83 == 0 else {
                    throw .inconsistent("the maple tree at \(tree) leads to \(VirtualAddress(part.value))")
                }
                waiting.append((part.value, part.range, next.depth + 1))
            }
        }
    }

    /// The used slots of a node with their ranges, ascending.
    private func slots(
        of node: VirtualAddress, layout: Node, in whole: ClosedRange<UInt64>, tree: VirtualAddress
    ) throws(ReadError) -> [(value: UInt64, range: ClosedRange<UInt64>)] {
        // A node that was taken out of its tree is its own parent.
        guard try kernel.load(UInt64.self, at: node) & ~0xFF != node.rawValue else {
            throw .inconsistent("the maple tree at \(tree) leads to a node that is none any more")
        }
        var found: [(value: UInt64, range: ClosedRange<UInt64>)] = []
        var first = whole.lowerBound
        for index in 0..<layout.slotCount {
            var last = whole.upperBound
            if index < layout.pivotCount {
                let pivot = try kernel.load(UInt64.self, at: node + layout.pivots + index * 8)
                // No pivot: this slot is the last one, and goes to the node's end.
                if pivot != 0 || index == 0 { last = pivot }
            }
            guard last >= first, last <= whole.upperBound else {
                throw .inconsistent("the maple tree at \(tree) has ranges out of order")
            }
            let value = try kernel.load(UInt64.self, at: node + layout.slots + index * 8)
            if value != 0 { found.append((value, first...last)) }
            guard last < whole.upperBound else { break }
            first = last + 1
        }
        return found
    }

    /// Whether a root is a node: it is marked as the XArray marks internal entries.
    private static func isNode(_ entry: UInt64) -> Bool { entry & 3 == 2 && entry > 4096 }
}
