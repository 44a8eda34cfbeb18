internal import CLinux
internal import Glibc

/// A listening socket in the file system with its file: it takes the place of a dead one, never of a living
/// one, and is removed by its owner.
public struct LocalListener: ~Copyable, Sendable {
    /// The listening socket, non-blocking.
    public let socket: OwnedDescriptor
    /// Where its file is.
    public let path: String
    private let device: UInt64
    private let inode: UInt64

    /// Listens at a path (mode 0600). A socket's file that nobody listens at any more is replaced.
    ///
    /// - Parameter backlog: connections that may wait to be accepted.
    /// - Throws: `EADDRINUSE` if somebody listens there, `EEXIST` if the file is no socket.
    public init(at path: String, backlog: Int32 = 1024) throws(SystemError) {
        try Self.clear(path)
        let socket = try LocalSocket.listen(at: path, backlog: backlog)
        let file = try Self.file(at: path)
        device = file?.device ?? 0
        inode = file?.inode ?? 0
        self.socket = consume socket
        self.path = path
    }

    /// Removes the file, if it is still this socket's. The socket is closed with its owner.
    public func removeFile() {
        // Whatever is wrong with the path now, the file is not ours to remove.
        guard let file = try? Self.file(at: path), file.device == device, file.inode == inode else { return }
        // SAFETY: a C string for the length of the call. It can only have gone meanwhile, as is wanted.
        _ = unsafe unlink(path)
    }

    /// Makes the path free, or says why that may not be.
    private static func clear(_ path: String) throws(SystemError) {
        guard let file = try file(at: path) else { return }
        guard file.isSocket else {
            throw SystemError(
                "listen at \(path)", number: EEXIST,
                advice: "a file is there that is no socket: choose another path, or remove it")
        }
        do {
            _ = try LocalSocket.connect(to: path)
        } catch  where error.number == ECONNREFUSED {
            // Left behind by a process that was killed.
            // SAFETY: a C string for the length of the call.
            try checked(unsafe unlink(path) < 0 ? -errno : 0, "remove the dead socket \(path)")
            return
        } catch  where error.number == ENOENT {
            return
        } catch  where error.number == EAGAIN {
            // Somebody listens, with as many waiting as may.
        }
        throw SystemError(
            "listen at \(path)", number: EADDRINUSE,
            advice: "another process listens there: stop it, or choose another path")
    }

    private struct File {
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var isSocket = false
    }

    /// Nil if there is none.
    private static func file(at path: String) throws(SystemError) -> File? {
        var file = File()
        var isSocket: Int32 = 0
        // SAFETY: integers of ours, a C string for the length of the call.
        let result = unsafe clinux_socket_file(path, &file.device, &file.inode, &isSocket)
        if result == -ENOENT { return nil }
        try checked(result, "look at \(path)")
        file.isSocket = isSocket != 0
        return file
    }
}

/// The limit of descriptors a process may have open.
public enum DescriptorLimit {
    /// Raises it as far as this process may.
    ///
    /// - Returns: what it is now.
    @discardableResult
    public static func raise() throws(SystemError) -> Int {
        Int(try checked(clinux_raise_descriptor_limit(), "raise the limit of open files"))
    }
}
