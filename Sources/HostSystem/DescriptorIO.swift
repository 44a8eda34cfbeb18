internal import CLinux
internal import Glibc

/// Reading and writing bytes of a descriptor that somebody owns, EINTR taken care of.
public enum DescriptorIO {
    /// Reads up to `limit` bytes.
    ///
    /// - Returns: an empty array at the end of the file, nil if there is nothing now (EAGAIN).
    public static func read(
        _ descriptor: Int32, limit: Int, operation: @autoclosure () -> String = "read"
    ) throws(SystemError) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: limit)
        let result = unsafe bytes.withUnsafeMutableBytes { buffer in
            // SAFETY: pointer and count describe one buffer.
            unsafe clinux_read(descriptor, buffer.baseAddress, buffer.count)
        }
        if result == -Int(EAGAIN) { return nil }
        let count = try checked(result, operation())
        bytes.removeSubrange(count...)
        return bytes
    }

    /// Reads up to `limit` bytes from an offset on, and leaves the descriptor's own place in the file alone.
    public static func read(
        _ descriptor: Int32, at offset: Int, limit: Int, operation: @autoclosure () -> String = "read"
    ) throws(SystemError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: limit)
        let result = unsafe bytes.withUnsafeMutableBytes { buffer in
            // SAFETY: pointer and count describe one buffer, which is only missing if nothing is to be read.
            unsafe buffer.baseAddress.map { start in
                unsafe clinux_pread(descriptor, start, buffer.count, off_t(offset))
            } ?? 0
        }
        let count = try checked(result, operation())
        bytes.removeSubrange(count...)
        return bytes
    }

    /// Reads everything up to the end of the file, but no more than `limit` bytes.
    ///
    /// - Parameter operation: what to call it in an error.
    /// - Throws: also if a non-blocking descriptor has nothing now: that is not its end.
    public static func readAll(
        _ descriptor: Int32, limit: Int, operation: @autoclosure () -> String = "read"
    ) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        // Most of what is read this way is short: a buffer that is not used need not be touched.
        var piece = 512
        while all.count < limit {
            guard
                let more = try read(descriptor, limit: min(limit - all.count, piece), operation: operation())
            else { throw SystemError(operation(), number: EAGAIN) }
            if more.isEmpty { break }
            all += more
            piece = min(piece * 2, 64 << 10)
        }
        return all
    }

    /// Writes what the descriptor takes now.
    ///
    /// - Returns: the number of bytes taken; 0 if it takes none now (EAGAIN).
    public static func write(
        _ descriptor: Int32, _ bytes: ArraySlice<UInt8>, operation: @autoclosure () -> String = "write"
    ) throws(SystemError) -> Int {
        let result = unsafe bytes.withUnsafeBytes { buffer in
            // SAFETY: pointer and count describe one buffer.
            unsafe clinux_write(descriptor, buffer.baseAddress, buffer.count)
        }
        if result == -Int(EAGAIN) { return 0 }
        return try checked(result, operation())
    }

    /// Writes all bytes, however long it takes.
    ///
    /// - Parameter operation: what to call it in an error.
    /// - Throws: also if a non-blocking descriptor takes none now.
    public static func writeAll(
        _ descriptor: Int32, _ bytes: [UInt8], operation: @autoclosure () -> String = "write"
    ) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try write(descriptor, rest, operation: operation())
            guard count > 0 else { throw SystemError(operation(), number: EAGAIN) }
            rest = rest.dropFirst(count)
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
