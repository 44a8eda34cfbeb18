extension ProcessList {
    /// A row with its place in the tree of parents and children.
    public struct Branch: Equatable, Sendable {
        /// The process.
        public let row: ProcessRow
        /// How many ancestors it has among the rows.
        public let depth: Int
    }

    /// Orders processes as a tree: each one's children behind it, in the order they had.
    ///
    /// Processes whose parent is not among the rows stand at the root, and so does one of each circle: a
    /// guest's memory may claim any. Every row is there once.
    public static func tree(_ rows: [ProcessRow]) -> [Branch] {
        var places: [Int32: Int] = [:]
        for (place, row) in rows.enumerated() where places[row.pid] == nil { places[row.pid] = place }
        var children: [Int: [Int]] = [:]
        var roots: [Int] = []
        for (place, row) in rows.enumerated() {
            if let parent = row.parent, let above = places[parent], above != place {
                children[above, default: []].append(place)
            } else {
                roots.append(place)
            }
        }
        var result: [Branch] = []
        result.reserveCapacity(rows.count)
        var isPlaced = [Bool](repeating: false, count: rows.count)
        func place(_ root: Int) {
            var waiting = [(place: root, depth: 0)]
            while let next = waiting.popLast() {
                guard !isPlaced[next.place] else { continue }
                isPlaced[next.place] = true
                result.append(Branch(row: rows[next.place], depth: next.depth))
                for child in (children[next.place] ?? []).reversed() {
                    waiting.append((child, next.depth + 1))
                }
            }
        }
        for root in roots { place(root) }
        for rest in rows.indices where !isPlaced[rest] { place(rest) }
        return result
    }
}
