internal import Glibc

/// Which file a path leads to and when it was last changed: while that stays, so does what is in it.
public struct FileStamp: Equatable, Sendable {
    private let device: UInt64
    private let inode: UInt64
    /// Bytes.
    public let size: Int64
    /// Nanoseconds since 1970, of the content and of the file's own entry.
    private let modified: Int64
    private let changed: Int64

    /// That of a path, links followed; nil if there is no file. Nothing is allocated.
    public init?(of path: String) {
        var status = stat()
        // SAFETY: the structure is ours, the path a C string for the length of the call.
        guard unsafe stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modified = Int64(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(status.st_ctim.tv_nsec)
    }
}
