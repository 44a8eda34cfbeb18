internal import CLinux
internal import Glibc

/// A file that is locked as long as its owner lives: flock(2), so that even SIGKILL lets go of it.
public struct FileLock: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// Creates the file if need be, and locks it.
    ///
    /// - Returns: nil if another process holds the lock.
    public static func acquire(_ path: String) throws(SystemError) -> FileLock? {
        while true {
            let descriptor = try OwnedDescriptor.open(path, O_RDWR | O_CREAT)
            let result = clinux_try_lock(descriptor.number)
            if result == -EWOULDBLOCK { return nil }
            try checked(result, "lock \(path)")
            // The holder before us may have removed the file between our open and our lock.
            if try isSameFile(descriptor, path) { return FileLock(descriptor: descriptor) }
        }
    }

    private init(descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    private static func isSameFile(_ descriptor: borrowing OwnedDescriptor, _ path: String)
        throws(SystemError) -> Bool
    {
        var opened = stat()
        var named = stat()
        // SAFETY: both structures are ours; the path is a C string for the call.
        guard unsafe fstat(descriptor.number, &opened) == 0 else {
            throw SystemError("look at \(path)", number: errno)
        }
        guard unsafe stat(path, &named) == 0 else { return false }
        return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino
    }
}
