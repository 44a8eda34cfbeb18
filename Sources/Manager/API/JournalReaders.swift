internal import HostSystem

/// How many are being sent the journal. Each keeps the lines of its moment in memory, as long as they take to be sent.
final class JournalReaders: Sendable {
    private let count = Guarded(0)

    /// One of them, as long as anybody holds it.
    final class Reader: Sendable {
        private let readers: JournalReaders

        fileprivate init(_ readers: JournalReaders) { self.readers = readers }

        deinit {
            readers.count.withLock { $0 -= 1 }
        }
    }

    /// One more; nil if there are as many as may be.
    func enter() -> Reader? {
        let isTaken = count.withLock { count in
            guard count < APILoad.journalReaders else { return false }
            count += 1
            return true
        }
        return isTaken ? Reader(self) : nil
    }
}
