internal import Glibc
internal import HostSystem
internal import Specification

/// Text to standard output or error, unbuffered, with failures that are noticed.
enum StandardOutput {
    /// Writes a text and, if it lacks one, a line feed at its end.
    static func write(_ text: String, to descriptor: Int32 = 1) throws(CommandFailure) {
        let bytes = Array((text.hasSuffix("\n") ? text : text + "\n").utf8)
        do {
            try DescriptorIO.writeAll(descriptor, bytes, operation: "write to standard output")
        } catch {
            throw CommandFailure(.ioError, error)
        }
    }
}
