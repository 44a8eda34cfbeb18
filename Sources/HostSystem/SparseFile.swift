internal import CLinux
internal import Glibc

/// A new file that is written at given places; what is not written takes no room and reads as zero.
///
/// A class, not a structure without copies: Swift 6.3.1 cannot have one of those in a closure that throws.
public final class SparseFile: Sendable {
    /// Its path, for messages.
    public let path: String
    private let descriptor: OwnedDescriptor

    /// Makes a file for its owner only.
    ///
    /// - Throws: EEXIST if there is one: nothing is written over.
    public init(creating path: String) throws(SystemError) {
        descriptor = try OwnedDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL)
        self.path = path
    }

    /// Writes bytes at an offset.
    public func write(_ bytes: ArraySlice<UInt8>, at offset: UInt64) throws(SystemError) {
        var done = 0
        while done < bytes.count {
            let rest = bytes[(bytes.startIndex + done)...]
            let result = unsafe rest.withUnsafeBytes { buffer in
                // SAFETY: the buffer is as long as is said.
                unsafe clinux_pwrite(
                    descriptor.number, buffer.baseAddress, buffer.count,
                    off_t(truncatingIfNeeded: offset) + done)
            }
            done += Int(try checked(result, "write \(path)"))
        }
    }

    /// Writes those pages of 4 KiB that are not all zero: the others stay holes.
    public func writeUsedPages(_ bytes: [UInt8], at offset: UInt64) throws(SystemError) {
        var start: Int?
        for page in stride(from: 0, to: bytes.count, by: 4096) {
            let end = min(page + 4096, bytes.count)
            let isUsed = unsafe bytes[page..<end].withUnsafeBytes { buffer in
                // SAFETY: the buffer is as long as is said.
                unsafe clinux_is_zero(buffer.baseAddress, buffer.count) == 0
            }
            if isUsed, start == nil { start = page }
            if let first = start, !isUsed || end == bytes.count {
                try write(bytes[first..<(isUsed ? end : page)], at: offset + UInt64(first))
                start = nil
            }
        }
    }

    /// Makes the file so long; what was never written is zero.
    public func setSize(_ size: UInt64) throws(SystemError) {
        guard ftruncate(descriptor.number, off_t(truncatingIfNeeded: size)) == 0 else {
            throw SystemError("make \(path) \(size) bytes long", number: errno)
        }
    }
}
