internal import CLinux
internal import Glibc

/// A file that is read at given places, with the size it had when it was opened.
public struct RegularFile: ~Copyable, Sendable {
    /// Its path, for messages.
    public let path: String
    /// The size in bytes.
    public let size: UInt64
    let descriptor: OwnedDescriptor

    /// Opens a file for reading.
    ///
    /// - Throws: also if it is no regular file (a directory, a device).
    public static func open(_ path: String) throws(SystemError) -> RegularFile {
        // Without waiting: opening a named pipe would wait for its writer before it can be refused.
        let descriptor = try OwnedDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        var status = stat()
        // SAFETY: the structure is ours, the descriptor open.
        guard unsafe fstat(descriptor.number, &status) == 0 else {
            throw SystemError("look at \(path)", number: errno)
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isDirectory = status.st_mode & S_IFMT == S_IFDIR
            throw SystemError(
                "read \(path)", number: isDirectory ? EISDIR : EINVAL, advice: "it is no regular file")
        }
        return RegularFile(path: path, size: UInt64(status.st_size), descriptor: descriptor)
    }

    private init(path: String, size: UInt64, descriptor: consuming OwnedDescriptor) {
        self.path = path
        self.size = size
        self.descriptor = descriptor
    }

    /// Reads exactly `count` bytes at an offset.
    public func bytes(at offset: UInt64, count: Int) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var failure: SystemError?
        unsafe bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            // SAFETY: the buffer is `count` bytes.
            failure = unsafe readFully(at: offset, into: start, count: count)
        }
        if let failure { throw failure }
        return bytes
    }

    /// Reads exactly `count` bytes at an offset to a place in memory.
    ///
    /// - Returns: what went wrong, a file that has become shorter included.
    public func readFully(
        at offset: UInt64, into start: UnsafeMutableRawPointer, count: Int
    ) -> SystemError? {
        var done = 0
        while done < count {
            // SAFETY: the caller's memory is `count` bytes, of which `done` are filled.
            let result = unsafe clinux_pread(
                descriptor.number, start + done, count - done, off_t(truncatingIfNeeded: offset) + done)
            if result < 0 {
                return SystemError("read \(path)", number: Int32(truncatingIfNeeded: result))
            }
            if result == 0 {
                return SystemError("read \(path)", number: EIO, advice: "it became shorter while it was read")
            }
            done += result
        }
        return nil
    }
}
