/// A mounted file system: one line of /proc/PID/mounts.
public struct MountRow: ViewRow {
    /// The mount's number, which is given again once it is gone.
    public var number: Int64
    /// What is mounted: a device, or whatever name was given; `none` if none was.
    public var source: String
    /// Where it is mounted, from the process's root.
    public var point: String
    /// The kind of file system.
    public var type: String
    /// The options that every file system has: `ro` or `rw`, `nosuid`, `nodev`, `noexec`, `relatime`…
    public var options: [String]

    /// What the row tells, in the order of a table.
    public static let columns: [ViewColumn] = [
        ViewColumn("", "id", isNumber: true),
        ViewColumn("SOURCE", "source"),
        ViewColumn("MOUNTPOINT", "mountPoint"),
        ViewColumn("TYPE", "type"),
        ViewColumn("OPTIONS", "options"),
    ]

    /// The values, in the order of the columns.
    public var cells: [ViewValue] {
        [.number(number), .text(source), .text(point), .text(type), .list(options.map { .text($0) })]
    }

    /// The mount's number.
    public var identity: Int64 { number }

    /// Nothing of it is a counter.
    public var settled: MountRow { self }
}

/// The options of a mount and its file system, in the order of /proc/PID/mounts (fs/proc_namespace.c).
enum MountOptions {
    /// SB_RDONLY and others of `super_block.s_flags`.
    private static let ofSystem: [(UInt64, String)] = [
        (16, "sync"), (128, "dirsync"), (64, "mand"), (1 << 25, "lazytime"),
    ]
    /// MNT_NOSUID and others of `vfsmount.mnt_flags`.
    private static let ofMount: [(UInt64, String)] = [
        (1, "nosuid"), (2, "nodev"), (4, "noexec"), (8, "noatime"), (0x10, "nodiratime"), (0x20, "relatime"),
        (0x80, "nosymfollow"),
    ]
    /// MNT_READONLY and SB_RDONLY.
    private static let readOnly: (mount: UInt64, system: UInt64) = (0x40, 1)

    static func names(mount: UInt64, system: UInt64) -> [String] {
        let isReadOnly = mount & readOnly.mount != 0 || system & readOnly.system != 0
        return [isReadOnly ? "ro" : "rw"] + ofSystem.filter { system & $0.0 != 0 }.map(\.1)
            + ofMount.filter { mount & $0.0 != 0 }.map(\.1)
    }
}
