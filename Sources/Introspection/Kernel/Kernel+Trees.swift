extension Kernel {
    /// The deepest a red-black tree can be: twice the logarithm of more nodes than fit in 64 bits.
    private static let deepestTree = 128

    /// Follows a red-black tree (`rb_root`) in its order and gives the structures in it.
    ///
    /// Links are believed while they agree in both directions: a child's parent must be where one came from.
    ///
    /// - Parameters:
    ///   - root: where the `rb_root` lies: a pointer to the top node (Linux, include/linux/rbtree_types.h).
    ///   - offset: where in each structure its `rb_node` lies.
    ///   - body: gets each structure's address; false ends the walk.
    /// - Throws: `inconsistent` if links do not agree or the tree does not end.
    public func forEach(
        inTreeAt root: VirtualAddress, offset: Int, limit: Int = longestList,
        _ body: (VirtualAddress) throws(ReadError) -> Bool
    ) throws(ReadError) {
        // Nodes whose left side is being seen to, from the top down.
        var open: [VirtualAddress] = []
        var node = try pointer(at: root)
        var parent = VirtualAddress.null
        var count = 0
        while true {
            while !node.isNull {
                guard node.isKernel else { throw .inconsistent("the tree at \(root) leads to \(node)") }
                // The low bits of the parent's address are the node's colour.
                guard try load(UInt64.self, at: node) & ~3 == parent.rawValue else {
                    throw .inconsistent("the tree at \(root) does not lead back from \(node)")
                }
                open.append(node)
                guard open.count <= Self.deepestTree else {
                    throw .inconsistent("the tree at \(root) is deeper than any can be")
                }
                parent = node
                node = try pointer(at: node + 16)
            }
            guard let next = open.popLast() else { return }
            count += 1
            guard count <= limit else { throw .inconsistent("the tree at \(root) does not end") }
            guard try body(next - offset) else { return }
            parent = next
            node = try pointer(at: next + 8)
        }
    }
}
