/// A view as it was read, with what is doubtful about it.
public struct Observation<Row: ViewRow>: Sendable {
    /// The rows, and whether each is doubtful: it changed as it was read, so parts of it may be of different
    /// moments. Never so of a paused guest.
    public let rows: [(row: Row, isUncertain: Bool)]
    /// How often all was read.
    public let looks: Int

    /// Reads a view until two looks one after the other agree, as an atomic snapshot is taken: what two
    /// collects find alike was so at an instant between them.
    ///
    /// - Parameters:
    ///   - isPaused: nothing changes: one look is enough.
    ///   - mostLooks: how often to look at most; rows that still differ then are marked.
    ///   - read: reads all rows anew.
    /// - Throws: what `read` throws: at once if the machine has ended or cannot be read, after many looks if what was
    ///   read cannot be true.
    public init(
        of kernel: Kernel, isPaused: Bool, mostLooks: Int = 6,
        read: () throws(IntrospectionError) -> [Row]
    ) throws(IntrospectionError) {
        kernel.refresh()
        if isPaused {
            rows = try read().map { ($0, false) }
            looks = 1
            return
        }
        var previous: [Row]?
        var failure: IntrospectionError?
        var looks = 0
        var failures = 0
        // A list that is changed while it is followed does not count: of a guest that starts programs all the time
        // few looks see it whole.
        while looks < mostLooks, failures < 8 * mostLooks {
            do throws(IntrospectionError) {
                // What the look before needed, this one will mostly need too.
                try reading { () throws(ReadError) in try kernel.image.refreshTogether() }
                let rows = try read()
                looks += 1
                if let earlier = previous {
                    let marked = Self.compare(rows, with: earlier)
                    if looks == mostLooks || !marked.contains(where: \.isUncertain) {
                        self.rows = marked
                        self.looks = looks
                        return
                    }
                }
                previous = rows
                failure = nil
            } catch .read(let error) {
                switch error {
                // No later look sees more.
                case .ended, .source: throw .read(error)
                case .notMapped, .notMemory, .inconsistent, .tooMuch:
                    failure = .read(error)
                    failures += 1
                }
            }
        }
        if previous == nil, let failure { throw failure }
        rows = (previous ?? []).map { ($0, true) }
        self.looks = looks
    }

    private static func compare(_ rows: [Row], with earlier: [Row]) -> [(row: Row, isUncertain: Bool)] {
        var known: [Row.Identity: Row.Settled] = [:]
        for row in earlier { known[row.identity] = row.settled }
        return rows.map { row in (row, known[row.identity] != row.settled) }
    }
}
