import Glibc
import MachineTesting

/// What the host's page cache holds of a file: cachestat(2), since Linux 6.5.
enum PageCache {
    private typealias Call =
        @convention(c) (
            Int, Int, UnsafeMutableRawPointer, UnsafeMutableRawPointer, Int
        ) -> Int

    /// The number of cachestat on every architecture.
    private static let number = 451

    /// Whether the host tells, and the file system of temporary files has a medium.
    static let tells: Bool = {
        guard let directory = try? TemporaryDirectory() else { return false }
        let path = directory.path + "/file"
        guard (try? TestFile.make(path, contents: [UInt8](repeating: 1, count: 65536))) != nil else {
            return false
        }
        return (try? dirtyPages(of: path)).map { $0 > 0 } ?? false
    }()

    /// Pages that are dirty or being written.
    static func dirtyPages(of path: String) throws -> UInt64 {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw TestFailure("cannot open \(path)") }
        defer { close(file) }
        // SAFETY: syscall(2) takes numbers and pointers; the structures are those of cachestat: offset and
        // length, and five counts.
        guard let symbol = unsafe dlsym(nil, "syscall") else { throw TestFailure("no syscall") }
        let call = unsafe unsafeBitCast(symbol, to: Call.self)
        var range: [UInt64] = [0, 0]
        var counts: [UInt64] = [0, 0, 0, 0, 0]
        guard unsafe call(number, Int(file), &range, &counts, 0) == 0 else {
            throw TestFailure("cachestat: errno \(errno)")
        }
        return counts[1] + counts[2]
    }
}
