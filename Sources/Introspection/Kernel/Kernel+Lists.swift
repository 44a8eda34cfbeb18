extension Kernel {
    /// How long a list may be at most: no kernel has as many of anything that is looked at here.
    public static let longestList = 4_194_304

    /// Follows a `list_head` and gives the structures in it.
    ///
    /// Links are believed while they agree in both directions: the next one's `prev` must point back.
    ///
    /// - Parameters:
    ///   - head: the list's own `list_head`, which is in no structure.
    ///   - offset: where in each structure its `list_head` lies.
    ///   - body: gets each structure's address; false ends the walk.
    /// - Throws: `inconsistent` if links do not agree or the list does not end.
    public func forEach(
        inListAt head: VirtualAddress, offset: Int, limit: Int = longestList,
        _ body: (VirtualAddress) throws(ReadError) -> Bool
    ) throws(ReadError) {
        var previous = head
        var link = try pointer(at: head)
        var count = 0
        while link != head {
            guard link.isKernel else { throw .inconsistent("the list at \(head) leads to \(link)") }
            guard try pointer(at: link + 8) == previous else {
                throw .inconsistent("the list at \(head) does not lead back from \(link)")
            }
            count += 1
            guard count <= limit else { throw .inconsistent("the list at \(head) does not end") }
            guard try body(link - offset) else { return }
            previous = link
            link = try pointer(at: link)
        }
    }

    /// The same for a list that only leads forward, `hlist_head` or `llist`: a null pointer or an odd one
    /// (`hlist_nulls`) ends it.
    public func forEach(
        inForwardListAt head: VirtualAddress, offset: Int, limit: Int = longestList,
        _ body: (VirtualAddress) throws(ReadError) -> Bool
    ) throws(ReadError) {
        var link = try pointer(at: head)
        var count = 0
        while !link.isNull, link.rawValue & 1 == 0 {
            guard link.isKernel else { throw .inconsistent("the list at \(head) leads to \(link)") }
            count += 1
            guard count <= limit else { throw .inconsistent("the list at \(head) does not end") }
            guard try body(link - offset) else { return }
            link = try pointer(at: link)
        }
    }
}
