internal import CLinux
internal import Glibc

/// Stream sockets in the file system (AF_UNIX), for this user alone. Every descriptor is non-blocking.
public enum LocalSocket {
    /// Opens a socket at a path where no file is, for connections of its owner's only (mode 0600).
    ///
    /// - Parameter backlog: connections that may wait to be accepted.
    public static func listen(at path: String, backlog: Int32) throws(SystemError) -> OwnedDescriptor {
        try unsafe reachable(path, "listen at \(path)") { path in
            // SAFETY: `path` is a C string for the length of the call.
            unsafe clinux_local_listen(path, 0o600, backlog)
        }
    }

    /// Connects to a socket.
    ///
    /// - Throws: `EAGAIN` if too many are waiting there already; `ECONNREFUSED` if nobody listens.
    public static func connect(to path: String) throws(SystemError) -> OwnedDescriptor {
        try unsafe reachable(path, "connect to \(path)") { path in
            // SAFETY: `path` is a C string for the length of the call.
            unsafe clinux_local_connect(path)
        }
    }

    /// Sends one datagram to a socket; a path that begins with `@` is a name in no file system.
    public static func sendDatagram(_ bytes: [UInt8], to path: String) throws(SystemError) {
        let result = unsafe bytes.withUnsafeBytes { buffer in
            // SAFETY: pointer and count describe one buffer; `path` is a C string for the length of the call.
            unsafe path.withCString { unsafe clinux_local_datagram($0, buffer.baseAddress, buffer.count) }
        }
        try checked(result, "send to \(path)")
    }

    /// The next connection that waits; nil if there is none.
    public static func accept(_ listener: borrowing OwnedDescriptor) throws(SystemError) -> OwnedDescriptor? {
        let result = clinux_accept(listener.number)
        if result == -EAGAIN { return nil }
        return OwnedDescriptor(takingOver: try checked(result, "accept a connection"))
    }

    /// The user who made the other end of a connection.
    public static func peerUser(_ connection: borrowing OwnedDescriptor) throws(SystemError) -> UInt32 {
        var user: UInt32 = 0
        // SAFETY: the integer is ours.
        try unsafe checked(clinux_peer_user(connection.number, &user), "ask who connected")
        return user
    }

    /// Sends what the connection takes now. A closed one is an error (`EPIPE`), never a signal.
    ///
    /// - Returns: the number of bytes taken; 0 if it takes none now (EAGAIN).
    public static func send(
        _ bytes: ArraySlice<UInt8>, to connection: borrowing OwnedDescriptor
    ) throws(SystemError) -> Int {
        let descriptor = connection.number
        let result = unsafe bytes.withUnsafeBytes { buffer in
            // SAFETY: pointer and count describe one buffer.
            unsafe clinux_send(descriptor, buffer.baseAddress, buffer.count)
        }
        if result == -Int(EAGAIN) { return 0 }
        return try checked(result, "send")
    }

    /// Tells the other end that nothing more will come.
    public static func endSending(_ connection: borrowing OwnedDescriptor) {
        // It fails only when the other end is gone, which reading will show.
        _ = shutdown(connection.number, Int32(SHUT_WR))
    }

    /// A socket's address holds 107 bytes; a longer path is reached by way of its directory's descriptor.
    private static func reachable(
        _ path: String, _ operation: String, _ call: (UnsafePointer<CChar>) -> Int32
    ) throws(SystemError) -> OwnedDescriptor {
        guard path.utf8.count > 107, let slash = path.lastIndex(of: "/") else {
            // SAFETY: a C string for the length of the call.
            return OwnedDescriptor(takingOver: try checked(unsafe path.withCString(call), operation))
        }
        let directory = try OwnedDescriptor.open(String(path[..<slash]), O_RDONLY | O_DIRECTORY)
        let short = "/proc/self/fd/\(directory.number)\(path[slash...])"
        // SAFETY: as above; the directory is open until the call is over.
        return OwnedDescriptor(takingOver: try checked(unsafe short.withCString(call), operation))
    }
}
