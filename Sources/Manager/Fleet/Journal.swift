internal import Resources

/// The latest records of the policy, as lines, in bounded memory. It always begins with a checkpoint, so that
/// a replay can start there.
struct Journal {
    /// The most bytes of a half; when the newer one is full, the older one goes.
    private let halfLimit: Int
    private var older: [String] = []
    private var newer: [String] = []
    /// Bytes of the newer half without its checkpoint, which may be longer than all the rest.
    private var size = 0

    /// - Parameter limit: bytes, about; one checkpoint more than that at most.
    init(limit: Int, start: CPUPolicy) {
        halfLimit = limit / 2
        newer = [JournalRecord.checkpoint(start).line]
    }

    /// All lines, the oldest first.
    var lines: [String] { older + newer }

    /// Adds records that stand together: no checkpoint comes between an observation and its decision.
    ///
    /// - Parameter policy: as it is after them.
    mutating func append(_ records: JournalRecord..., after policy: CPUPolicy) {
        for record in records {
            let line = record.line
            newer.append(line)
            size += line.utf8.count + 1
        }
        guard size > halfLimit else { return }
        older = newer
        newer = [JournalRecord.checkpoint(policy).line]
        size = 0
    }
}
