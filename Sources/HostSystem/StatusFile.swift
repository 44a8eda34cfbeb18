internal import CLinux
internal import Glibc

/// A small file of the kernel's, under /proc or /sys, that is kept open and read again and again: each
/// reading is one pread(2) into the same memory.
public struct StatusFile: ~Copyable, Sendable {
    /// Its path, for messages.
    public let path: String
    private let descriptor: OwnedDescriptor
    private var buffer: [UInt8]

    /// Opens it for reading.
    ///
    /// - Parameter limit: the most bytes that are looked at.
    public init(_ path: String, limit: Int = 1024) throws(SystemError) {
        descriptor = try .open(path, O_RDONLY)
        self.path = path
        buffer = [UInt8](repeating: 0, count: max(limit, 1))
    }

    /// Reads it from its start. Nothing is allocated but for an error.
    ///
    /// - Throws: ENODEV if the file's control group has been removed, ESRCH if its process has ended.
    public mutating func read<Result>(_ body: (Span<UInt8>) -> Result) throws(SystemError) -> Result {
        let number = descriptor.number
        let count = unsafe buffer.withUnsafeMutableBytes { buffer in
            // SAFETY: pointer and count describe one buffer, which is never empty.
            unsafe buffer.baseAddress.map { unsafe clinux_pread(number, $0, buffer.count, 0) } ?? 0
        }
        guard count >= 0 else {
            throw SystemError("read \(path)", number: Int32(truncatingIfNeeded: count))
        }
        return body(buffer.span.extracting(0..<count))
    }
}

/// A small file of the kernel's that is kept open to be written to: each write is a setting of its own.
public struct SettingFile: ~Copyable, Sendable {
    /// Its path, for messages.
    public let path: String
    private let descriptor: OwnedDescriptor

    /// Opens it for writing.
    public init(_ path: String) throws(SystemError) {
        descriptor = try .open(path, O_WRONLY)
        self.path = path
    }

    /// Writes a setting whole.
    ///
    /// - Throws: what the kernel thinks of it; ENODEV if the file's control group has been removed, EAGAIN if it takes
    ///   no more settings now.
    public func write(_ text: String) throws(SystemError) {
        let bytes = Array(text.utf8)
        let count = try DescriptorIO.write(
            descriptor.number, bytes[...], operation: "write \"\(text)\" to \(path)")
        guard count > 0 else { throw SystemError("write \"\(text)\" to \(path)", number: EAGAIN) }
        // The kernel takes a setting whole or not at all.
        guard count == bytes.count else { throw SystemError("write \"\(text)\" to \(path)", number: EIO) }
    }
}
