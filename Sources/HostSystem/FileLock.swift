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
            if result == -EWOULDBLOCK {
                // It may be one that only looks, by `isHeld`.
                if clinux_is_locked(descriptor.number) == 0 { continue }
                return nil
            }
            try checked(result, "lock \(path)")
            // The holder before us may have removed the file between our open and our lock.
            if try FileTree.isSameFile(descriptor, path) { return FileLock(descriptor: descriptor) }
        }
    }

    /// Whether a process holds the lock; a file that is not there is not held. A named pipe does not block it.
    public static func isHeld(_ path: String) throws(SystemError) -> Bool {
        let descriptor: OwnedDescriptor
        do {
            descriptor = try OwnedDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        } catch  where error.number == ENOENT {
            return false
        }
        return try checked(clinux_is_locked(descriptor.number), "look at the lock \(path)") == 1
    }

    private init(descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }
}
