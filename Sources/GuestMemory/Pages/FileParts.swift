internal import HostSystem
internal import Synchronization

/// Which parts of a guest's memory were mapped from files: a few, of kernel and initrd.
final class FileParts: Sendable {
    private let parts = Guarded<[Part]>([])
    /// What `Range<Int>` is; but an array of those has a type that Swift's runtime makes by a search through all the
    /// program's conformances, in every process anew.
    private struct Part {
        let lowerBound: Int
        let upperBound: Int
    }

    /// From the first byte of any part to the end of the last: most runs are outside, and need no lock.
    private let first = Atomic<Int>(.max)
    private let end = Atomic<Int>(0)

    /// A part, in bytes from the memory's start, comes from a file from now on.
    func add(_ part: Range<Int>) {
        parts.withLock { $0.append(Part(lowerBound: part.lowerBound, upperBound: part.upperBound)) }
        first.min(part.lowerBound, ordering: .relaxed)
        end.max(part.upperBound, ordering: .relaxed)
    }

    /// Whether any of the bytes came from a file.
    func overlap(_ bytes: Range<Int>) -> Bool {
        guard bytes.lowerBound < end.load(ordering: .relaxed),
            bytes.upperBound > first.load(ordering: .relaxed)
        else { return false }
        return parts.withLock { parts in
            parts.contains { $0.lowerBound < bytes.upperBound && bytes.lowerBound < $0.upperBound }
        }
    }

    /// Cuts a range where parts begin and end, and hands out the pieces from the lowest up.
    func split(_ bytes: Range<Int>, _ body: (Range<Int>, _ isFile: Bool) -> Void) {
        guard overlap(bytes) else { return body(bytes, false) }
        var start = bytes.lowerBound
        while start < bytes.upperBound {
            let place = start
            // The lowest part that ends behind `start`, if it begins inside.
            let next = parts.withLock { parts in
                parts.filter { $0.upperBound > place && $0.lowerBound < bytes.upperBound }
                    .min { $0.lowerBound < $1.lowerBound }
            }
            guard let next else { return body(start..<bytes.upperBound, false) }
            if next.lowerBound > start { body(start..<next.lowerBound, false) }
            let end = min(next.upperBound, bytes.upperBound)
            body(max(start, next.lowerBound)..<end, true)
            start = end
        }
    }
}
