/// A stretch of a process's address space: one line of /proc/PID/maps.
public struct MemoryAreaRow: ViewRow {
    /// The first address.
    public var start: UInt64
    /// Behind the last address.
    public var end: UInt64
    /// `r`, `w`, `x` or `-` each, and `s` for shared or `p` for private. Nil if it cannot be read.
    public var permissions: String?
    /// Where in the file it begins, in bytes; 0 without a file.
    public var offset: UInt64
    /// The file system's device as major and minor in hexadecimal; nil without a file.
    public var device: String?
    /// The file's inode; nil without a file.
    public var inode: UInt64?
    /// The file's path, or what the kernel knows the area as: `[heap]`, `[stack]`, `[vdso]`, `[anon:NAME]`.
    public var path: String?

    /// What the row tells, in the order of a table.
    public static let columns: [ViewColumn] = [
        ViewColumn("START", "start"),
        ViewColumn("END", "end"),
        ViewColumn("PERM", "permissions"),
        ViewColumn("SIZE", "size", isNumber: true),
        ViewColumn("OFFSET", "offset"),
        ViewColumn("DEVICE", "device"),
        ViewColumn("INODE", "inode", isNumber: true),
        ViewColumn("PATH", "path"),
    ]

    /// The values, in the order of the columns.
    public var cells: [ViewValue] {
        [
            .address(start), .address(end),
            permissions.map { .text($0) } ?? .none,
            .size(end &- start), .address(offset),
            device.map { .text($0) } ?? .none,
            inode.map { .number(Int64(clamping: $0)) } ?? .none,
            path.map { .text($0) } ?? .none,
        ]
    }

    /// The first address.
    public var identity: UInt64 { start }

    /// Nothing of it is a counter.
    public var settled: MemoryAreaRow { self }
}
