internal import Glibc
internal import HostSystem
internal import Specification

/// Files that the user names.
enum InputFile {
    /// Reads a whole text; `-` is standard input.
    ///
    /// - Parameter limit: one byte more than this is read at most, so that the reader of the text
    ///   sees that it is too long.
    static func read(_ path: String, limit: Int) throws(CommandFailure) -> [UInt8] {
        do {
            if path == "-" {
                return try DescriptorIO.readAll(0, limit: limit + 1, operation: "read standard input")
            }
            let file = try OwnedDescriptor.open(path, O_RDONLY)
            return try DescriptorIO.readAll(file.number, limit: limit + 1, operation: "read \(path)")
        } catch {
            throw CommandFailure(.noInput, error)
        }
    }

    /// Reads a small file of the kernel's, of /proc or /sys; nil when it is not there.
    static func readSystemFile(_ path: String) -> String? {
        guard let file = try? OwnedDescriptor.open(path, O_RDONLY),
            let bytes = try? DescriptorIO.readAll(file.number, limit: 1 << 20)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Makes sure early, for a good message, that a file the worker will load is a readable file.
    ///
    /// - Parameter role: what the file is to the user, such as `kernel`.
    static func check(_ path: String, role: String) throws(CommandFailure) {
        let file: OwnedDescriptor
        do {
            // O_NONBLOCK: a pipe without a writer must not make this wait.
            file = try OwnedDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        } catch {
            let reason = SystemError("read the \(role) \(path)", number: error.number)
            throw CommandFailure(.noInput, reason)
        }
        var status = stat()
        // SAFETY: fstat fills the structure that it is given, which lives in this frame.
        guard unsafe fstat(file.number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CommandFailure(.noInput, "the \(role) \(path) is not a regular file")
        }
    }

    /// Makes sure early, for a good message, that a disk can be opened as the worker will open it.
    static func checkDisk(_ path: String, isReadOnly: Bool) throws(CommandFailure) {
        let file: OwnedDescriptor
        do {
            file = try OwnedDescriptor.open(path, (isReadOnly ? O_RDONLY : O_RDWR) | O_NONBLOCK)
        } catch {
            let reason = SystemError(
                "\(isReadOnly ? "read" : "write") the disk \(path)", number: error.number)
            let isForbidden = [EACCES, EPERM, EROFS].contains(error.number)
            let hint = isForbidden && !isReadOnly ? " (readonly=on would only read it)" : ""
            throw CommandFailure(.noInput, "\(reason)\(hint)")
        }
        var status = stat()
        // SAFETY: fstat fills the structure that it is given, which lives in this frame.
        guard unsafe fstat(file.number, &status) == 0,
            [S_IFREG, S_IFBLK].contains(status.st_mode & S_IFMT)
        else {
            throw CommandFailure(.noInput, "the disk \(path) is not a regular file or a block device")
        }
    }
}
