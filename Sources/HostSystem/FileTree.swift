internal import Glibc

/// Making and removing the few files and directories a machine leaves while it runs.
public enum FileTree {
    /// Makes a directory only its owner may enter, if it is not there.
    public static func makePrivateDirectory(_ path: String) throws(SystemError) {
        // SAFETY: the path is a C string for the length of the call.
        if unsafe mkdir(path, 0o700) != 0 && errno != EEXIST {
            throw SystemError("make the directory \(path)", number: errno)
        }
    }

    /// Whether a path, itself and not what a link names, belongs to this user.
    public static func isOwnedByUser(_ path: String) throws(SystemError) -> Bool {
        var status = stat()
        // SAFETY: the structure is ours, the path a C string for the length of the call.
        guard unsafe lstat(path, &status) == 0 else { throw SystemError("look at \(path)", number: errno) }
        return status.st_uid == geteuid() && status.st_mode & S_IFMT != S_IFLNK
    }

    /// Whether a directory of that path exists and may be written to.
    public static func isWritableDirectory(_ path: String) -> Bool {
        unsafe access(path, W_OK | X_OK) == 0
    }

    /// Writes a file anew, for its owner only.
    public static func write(_ bytes: [UInt8], to path: String) throws(SystemError) {
        let descriptor = try OwnedDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
        do {
            try DescriptorIO.writeAll(descriptor.number, bytes)
        } catch {
            throw SystemError("write \(path)", number: error.number)
        }
    }

    /// Makes a symbolic link, in place of one that is there.
    public static func link(_ path: String, to target: String) throws(SystemError) {
        remove(path)
        // SAFETY: C strings for the length of the call.
        guard unsafe symlink(target, path) == 0 else {
            throw SystemError("link \(path)", number: errno)
        }
    }

    /// Removes a file. That it is gone already is fine.
    public static func remove(_ path: String) {
        // SAFETY: a C string for the length of the call.
        _ = unsafe unlink(path)
    }

    /// Removes an empty directory. That it is gone already, or not empty, is fine.
    public static func removeDirectory(_ path: String) {
        // SAFETY: a C string for the length of the call.
        _ = unsafe rmdir(path)
    }
}
