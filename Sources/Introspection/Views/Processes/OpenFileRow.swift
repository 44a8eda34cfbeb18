/// A file that a process has open.
public struct OpenFileRow: ViewRow {
    /// The file descriptor.
    public var descriptor: Int
    /// What it is; nil if that cannot be read.
    public var kind: FileKind?
    /// Reading, writing or both: `r`, `w`, `rw`; empty for a descriptor that only names a file (O_PATH).
    public var access: String
    /// The other flags it was opened with, by the names of open(2) in lower case without `O_`.
    public var flags: [String]
    /// Where reading or writing goes on, in bytes from the beginning. Always 0 for what has no position.
    public var position: Int64
    /// The number of the inode; nil if that cannot be read.
    public var inode: UInt64?
    /// The path, as /proc/PID/fd shows it; nil if that cannot be read.
    public var path: String?
    /// Where the open file lies: descriptors that share a position share it.
    public var file: VirtualAddress

    /// Which descriptor of which file.
    public struct Identity: Hashable, Sendable {
        let descriptor: Int
        let file: VirtualAddress
    }

    /// All but the position.
    public struct Settled: Equatable, Sendable {
        let kind: FileKind?
        let access: String
        let flags: [String]
        let inode: UInt64?
        let path: String?
    }

    /// What the row tells, in the order of a table.
    public static let columns: [ViewColumn] = [
        ViewColumn("FD", "fd", isNumber: true),
        ViewColumn("KIND", "kind"),
        ViewColumn("ACCESS", "access"),
        ViewColumn("FLAGS", "flags"),
        ViewColumn("POSITION", "position", isNumber: true),
        ViewColumn("", "inode", isNumber: true),
        ViewColumn("", "file"),
        ViewColumn("PATH", "path"),
    ]

    /// The values, in the order of the columns.
    public var cells: [ViewValue] {
        [
            .number(Int64(descriptor)),
            kind.map { .text($0.rawValue) } ?? .none,
            .text(access),
            .list(flags.map { .text($0) }),
            .number(position),
            inode.map { .number(Int64(clamping: $0)) } ?? .none,
            .address(file.rawValue),
            path.map { .text($0) } ?? .none,
        ]
    }

    /// The descriptor and the file.
    public var identity: Identity { Identity(descriptor: descriptor, file: file) }

    /// All but the position.
    public var settled: Settled {
        Settled(kind: kind, access: access, flags: flags, inode: inode, path: path)
    }
}

/// Flags of open(2) as x86 numbers them (include/uapi/asm-generic/fcntl.h).
enum OpenFlags {
    private static let names: [(UInt32, String)] = [
        (0o2000, "append"), (0o4000, "nonblock"), (0o20000, "async"), (0o40000, "direct"),
        (0o200000, "directory"), (0o400000, "nofollow"), (0o1000000, "noatime"), (0o10000000, "path"),
    ]

    /// Access as letters.
    static func access(_ flags: UInt32) -> String {
        guard flags & 0o10000000 == 0 else { return "" }
        return switch flags & 3 {
        case 0: "r"
        case 1: "w"
        default: "rw"
        }
    }

    /// The rest by their names.
    static func names(_ flags: UInt32, closesOnExec: Bool) -> [String] {
        var found = names.filter { flags & $0.0 != 0 }.map(\.1)
        // O_SYNC holds the bit of O_DSYNC, O_TMPFILE that of O_DIRECTORY.
        if flags & 0o4010000 == 0o4010000 {
            found.append("sync")
        } else if flags & 0o10000 != 0 {
            found.append("dsync")
        }
        if flags & 0o20000000 != 0 {
            found.removeAll { $0 == "directory" }
            found.append("tmpfile")
        }
        if closesOnExec { found.append("cloexec") }
        return found
    }
}
