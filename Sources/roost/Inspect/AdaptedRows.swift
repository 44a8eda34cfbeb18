internal import Introspection

/// A process with its place in the tree: its command is drawn below its parent's.
struct TreeRow: ViewRow {
    private let branch: ProcessList.Branch

    init(_ branch: ProcessList.Branch) {
        self.branch = branch
    }

    static var columns: [ViewColumn] { ProcessRow.columns + [ViewColumn("", "depth")] }

    var cells: [ViewValue] {
        var cells = branch.row.cells
        // The command is the last column.
        if let last = cells.popLast() {
            let indent = String(repeating: "  ", count: min(branch.depth, 40))
            if case .text(let command) = last {
                cells.append(.text(indent + command))
            } else {
                cells.append(last)
            }
        }
        return cells + [.number(Int64(branch.depth))]
    }

    var identity: ProcessRow.Identity { branch.row.identity }
    var settled: ProcessRow.Settled { branch.row.settled }
}

/// What the kernel is, and how long it took to find it.
struct ContactedRow: ViewRow {
    let row: OperatingSystemRow
    let contactNanoseconds: UInt64

    static var columns: [ViewColumn] {
        OperatingSystemRow.columns + [ViewColumn("found in", "contactNanoseconds")]
    }

    var cells: [ViewValue] { row.cells + [.duration(contactNanoseconds)] }
    var identity: OperatingSystemRow.Identity { row.identity }
    var settled: OperatingSystemRow.Settled { row.settled }
}
