internal import CLinux
internal import Glibc

/// A listening socket in the file system with its file: it takes the place of a dead one, never of a living
/// one, and is removed by its owner.
public struct LocalListener: ~Copyable, Sendable {
    /// The listening socket, non-blocking.
    public let socket: OwnedDescriptor
    /// Where its file is.
    public let path: String
    private let file: SocketFile?

    /// Listens at a path (mode 0600). A socket's file that nobody listens at any more is replaced.
    ///
    /// - Parameter backlog: connections that may wait to be accepted.
    /// - Throws: `EADDRINUSE` if somebody listens there, `EEXIST` if the file is no socket.
    public init(at path: String, backlog: Int32 = 1024) throws(SystemError) {
        try Self.clear(path)
        let socket = try LocalSocket.listen(at: path, backlog: backlog)
        file = try SocketFile(at: path)
        self.socket = consume socket
        self.path = path
    }

    /// Removes the file, if it is still this socket's. The socket is closed with its owner.
    public func removeFile() {
        file?.remove()
    }

    /// Makes the path free, or says why that may not be.
    private static func clear(_ path: String) throws(SystemError) {
        guard let file = try SocketFile(at: path) else { return }
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
