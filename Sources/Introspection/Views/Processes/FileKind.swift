/// What a file is, by its inode's mode (inode(7)).
public enum FileKind: String, Sendable {
    /// An ordinary file.
    case regular
    /// A directory.
    case directory
    /// A character device.
    case character
    /// A block device.
    case block
    /// A pipe, named or not.
    case pipe
    /// A socket.
    case socket
    /// A symbolic link, opened as such.
    case link
    /// Nothing in a file system: an event counter, a timer, a set of files to wait for…
    case anonymous

    /// - Parameter mode: `inode.i_mode`.
    init(mode: Int64) {
        switch mode & 0o170000 {
        case 0o100000: self = .regular
        case 0o040000: self = .directory
        case 0o020000: self = .character
        case 0o060000: self = .block
        case 0o010000: self = .pipe
        case 0o140000: self = .socket
        case 0o120000: self = .link
        default: self = .anonymous
        }
    }
}
