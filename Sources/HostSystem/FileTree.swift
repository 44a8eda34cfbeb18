internal import Glibc

/// Making and removing the few files and directories a machine leaves while it runs.
public enum FileTree {
    /// Makes a directory only its owner may enter, if it is not there.
    ///
    /// - Returns: whether it was not there.
    @discardableResult
    public static func makePrivateDirectory(_ path: String) throws(SystemError) -> Bool {
        // SAFETY: the path is a C string for the length of the call.
        if unsafe mkdir(path, 0o700) == 0 { return true }
        guard errno == EEXIST else { throw SystemError("make the directory \(path)", number: errno) }
        return false
    }

    /// The names in a directory, sorted, without `.` and `..`.
    public static func names(in path: String) throws(SystemError) -> [String] {
        // SAFETY: the path is a C string for the length of the call.
        guard let directory = unsafe opendir(path) else {
            throw SystemError("read the directory \(path)", number: errno)
        }
        // SAFETY: open until here, and closed once.
        defer { unsafe closedir(directory) }
        var names: [String] = []
        // SAFETY: the entry is valid until the next call, and its name, which ends with a zero, is copied.
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe name.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// When a file or directory was last changed, in seconds since 1970; nil if it is not there.
    public static func modificationTime(_ path: String) -> Int64? {
        var status = stat()
        // SAFETY: the structure is ours, the path a C string for the length of the call.
        guard unsafe lstat(path, &status) == 0 else { return nil }
        return Int64(status.st_mtim.tv_sec)
    }

    /// Whether an open file is the one that has a path now; false if the path is nobody's.
    public static func isSameFile(_ descriptor: borrowing OwnedDescriptor, _ path: String)
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

    /// Gives a file another name, in place of one that is there.
    public static func rename(_ path: String, to target: String) throws(SystemError) {
        // SAFETY: C strings for the length of the call.
        guard unsafe Glibc.rename(path, target) == 0 else {
            throw SystemError("rename \(path)", number: errno)
        }
    }

    /// Whether a path, itself and not what a link names, belongs to this user.
    public static func isOwnedByUser(_ path: String) throws(SystemError) -> Bool {
        var status = stat()
        // SAFETY: the structure is ours, the path a C string for the length of the call.
        guard unsafe lstat(path, &status) == 0 else { throw SystemError("look at \(path)", number: errno) }
        return status.st_uid == geteuid() && status.st_mode & S_IFMT != S_IFLNK
    }

    /// The one path of a file that begins at the root and has no links and no dots in it; realpath(3).
    public static func realPath(_ path: String) throws(SystemError) -> String {
        // SAFETY: a C string for the length of the call, which answers one that is ours to free.
        guard let resolved = unsafe realpath(path, nil) else {
            throw SystemError("find the path \(path)", number: errno)
        }
        // SAFETY: as above, and freed once.
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
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

extension FileTree {
    /// Checks that this process may write to a file, or make files in a directory; access(2).
    ///
    /// - Throws: what stands against it: EACCES, EROFS, ENOENT.
    public static func checkWritable(_ path: String) throws(SystemError) {
        // SAFETY: the path is a C string for the length of the call.
        guard unsafe access(path, W_OK) == 0 else { throw SystemError("write to \(path)", number: errno) }
    }

    /// Makes a directory as the parent's owner would have it, if it is not there: a control group, say.
    ///
    /// - Returns: whether it was not there.
    @discardableResult
    public static func makeDirectory(_ path: String) throws(SystemError) -> Bool {
        // SAFETY: the path is a C string for the length of the call.
        if unsafe mkdir(path, 0o755) == 0 { return true }
        guard errno == EEXIST else { throw SystemError("make the directory \(path)", number: errno) }
        return false
    }

    /// Removes an empty directory.
    ///
    /// - Returns: false if it was gone already.
    /// - Throws: EBUSY if it is a control group with processes, ENOTEMPTY if something is in it.
    @discardableResult
    public static func removeEmptyDirectory(_ path: String) throws(SystemError) -> Bool {
        // SAFETY: the path is a C string for the length of the call.
        if unsafe rmdir(path) == 0 { return true }
        guard errno == ENOENT else { throw SystemError("remove the directory \(path)", number: errno) }
        return false
    }
}
