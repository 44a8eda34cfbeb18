internal import CLinux
internal import Glibc

/// A socket's file, by what it is and not only by its path: whoever made it renames and removes that file, and never
/// another that has come to its path.
public struct SocketFile: Sendable, Equatable {
    /// Where it is, as far as its owner knows.
    public private(set) var path: String
    private let device: UInt64
    private let inode: UInt64
    /// Whether it is a socket, and not something else that is in the way.
    public let isSocket: Bool

    /// The file at a path, itself and not what a link names; nil if there is none.
    public init?(at path: String) throws(SystemError) {
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var isSocket: Int32 = 0
        // SAFETY: integers of ours, a C string for the length of the call.
        let result = unsafe clinux_socket_file(path, &device, &inode, &isSocket)
        if result == -ENOENT { return nil }
        try checked(result, "look at \(path)")
        self.path = path
        self.device = device
        self.inode = inode
        self.isSocket = isSocket != 0
    }

    /// Whether it is still at its path.
    public var isThere: Bool {
        // Whatever is wrong with the path now, what is there is not this file.
        guard let file = try? SocketFile(at: path) else { return false }
        return file.device == device && file.inode == inode
    }

    /// Removes it, if it is still there.
    public func remove() {
        // It can only have gone meanwhile, as is wanted.
        if isThere { FileTree.remove(path) }
    }

    /// Gives it another path, in place of what is there.
    ///
    /// - Throws: `ENOENT` if it is not at its own path any more; nothing is renamed then.
    public mutating func rename(to target: String) throws(SystemError) {
        guard isThere else {
            throw SystemError("rename \(path)", number: ENOENT, advice: "the socket is not there any more")
        }
        try FileTree.rename(path, to: target)
        path = target
    }
}
