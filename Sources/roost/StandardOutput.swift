internal import Glibc
internal import HostSystem
internal import Specification

/// Text to standard output or error, unbuffered, with failures that are noticed.
enum StandardOutput {
    /// Writes a text and, if it lacks one, a line feed at its end.
    static func write(_ text: String, to descriptor: Int32 = 1) throws(CommandFailure) {
        let bytes = Array((text.hasSuffix("\n") ? text : text + "\n").utf8)
        do {
            try writeAll(bytes, to: descriptor, operation: "write to standard output")
        } catch {
            throw CommandFailure(.ioError, error)
        }
    }

    /// Writes all bytes to a descriptor that is open for writing.
    static func writeAll(
        _ bytes: [UInt8], to descriptor: Int32, operation: String
    ) throws(SystemError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            // SAFETY: the buffer lives for this call, and write(2) only reads it.
            let (count, number) = unsafe rest.withUnsafeBytes { buffer in
                let count = unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
                return (count, errno)
            }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if number != EINTR {
                throw SystemError(operation, number: number)
            }
        }
    }
}
