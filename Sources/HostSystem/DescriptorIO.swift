internal import CLinux
internal import Glibc

/// Reading and writing bytes of a descriptor that somebody owns, EINTR taken care of.
public enum DescriptorIO {
    /// Reads up to `limit` bytes.
    ///
    /// - Returns: an empty array at the end of the file, nil if there is nothing now (EAGAIN).
    public static func read(_ descriptor: Int32, limit: Int) throws(SystemError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: limit)
        let result = unsafe bytes.withUnsafeMutableBytes { buffer in
            // SAFETY: pointer and count describe one buffer.
            unsafe clinux_read(descriptor, buffer.baseAddress, buffer.count)
        }
        if result == -Int(EAGAIN) { return nil }
        let count = try checked(result, "read")
        bytes.removeSubrange(count...)
        return bytes
    }

    /// Reads everything up to the end of the file, but no more than `limit` bytes.
    public static func readAll(_ descriptor: Int32, limit: Int) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        // Most of what is read this way is short: a buffer that is not used need not be touched.
        var piece = 512
        while all.count < limit, let more = try read(descriptor, limit: min(limit - all.count, piece)) {
            if more.isEmpty { break }
            all += more
            piece = min(piece * 2, 64 << 10)
        }
        return all
    }

    /// Writes what the descriptor takes now.
    ///
    /// - Returns: the number of bytes taken; 0 if it takes none now (EAGAIN).
    public static func write(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
        let result = unsafe bytes.withUnsafeBytes { buffer in
            // SAFETY: pointer and count describe one buffer.
            unsafe clinux_write(descriptor, buffer.baseAddress, buffer.count)
        }
        if result == -Int(EAGAIN) { return 0 }
        return try checked(result, "write")
    }

    /// Writes all bytes, however long it takes.
    public static func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            rest = rest.dropFirst(try write(descriptor, rest))
        }
    }

    /// Writes text to standard error. That it may fail has no remedy.
    public static func writeToStandardError(_ text: String) {
        var text = text
        text.withUTF8 { buffer in
            // SAFETY: pointer and count describe one buffer.
            _ = unsafe clinux_write(STDERR_FILENO, buffer.baseAddress, buffer.count)
        }
    }
}
