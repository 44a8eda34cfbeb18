internal import CLinux
public import Glibc

/// One thing to do with a file, for a `FileEngine`.
@safe
public struct FileCommand: @unchecked Sendable {
    // @unchecked: whoever makes it keeps the segments, and the memory they name, until it is complete.

    /// What to do.
    public enum Operation: UInt32, Sendable {
        /// Read at a place.
        case read = 0
        /// Write at a place.
        case write = 1
        /// Write at a place, and be done when it is on the medium.
        case writeThrough = 2
        /// Bring what was written to the medium.
        case synchronize = 3
        /// Make a range read as zeros and take no room; the file's size stays.
        case punchHole = 4
        /// Make a range read as zeros and keep its room; the file's size stays.
        case zeroRange = 5
    }

    /// The most segments the kernel takes at once (`IOV_MAX`).
    public static let segmentLimit = 1024

    let file: Int
    let raw: clinux_file_command

    /// What comes back with the completion.
    public var token: UInt64 {
        // SAFETY: a number.
        unsafe raw.token
    }

    /// A read or write of segments.
    ///
    /// - Parameters:
    ///   - file: the place of the file in the engine's list.
    ///   - segments: valid until the command is complete. Beyond `segmentLimit` they are left out.
    ///   - offset: the place in the file in bytes.
    ///   - token: comes back with the completion.
    public init(
        _ operation: Operation, file: Int, segments: UnsafeMutableBufferPointer<iovec>, offset: UInt64,
        token: UInt64
    ) {
        self.file = file
        // SAFETY: only stored.
        unsafe raw = clinux_file_command(
            vectors: segments.baseAddress, offset: offset, length: 0, token: token,
            vector_count: UInt32(min(segments.count, Self.segmentLimit)), operation: operation.rawValue)
    }

    /// Anything with a range, or with nothing.
    public init(_ operation: Operation, file: Int, offset: UInt64 = 0, length: UInt64 = 0, token: UInt64) {
        self.file = file
        // SAFETY: there are no segments.
        unsafe raw = clinux_file_command(
            vectors: nil, offset: offset, length: length, token: token, vector_count: 0,
            operation: operation.rawValue)
    }

    /// Carries it out on this thread.
    ///
    /// - Returns: a count of bytes or 0, or a negated error number.
    public func execute(on descriptor: Int32) -> Int64 {
        // SAFETY: the segments are valid, as the maker promises.
        unsafe withUnsafePointer(to: raw) { unsafe clinux_file_execute(descriptor, $0) }
    }
}

/// A command that is done.
public struct FileCompletion: Sendable {
    /// The command's token.
    public let token: UInt64
    /// A count of bytes or 0, or a negated error number.
    public let result: Int64
}

/// Reads that never wait.
public enum CachedRead {
    /// Reads what the host's memory has of a file.
    ///
    /// - Returns: a count of bytes, which may be less than the segments' and is 0 at the file's end; or a
    ///   negated error number: `EAGAIN` if nothing is there, `EOPNOTSUPP` if this file cannot be read so.
    @safe
    public static func read(
        _ descriptor: Int32, into segments: UnsafeMutableBufferPointer<iovec>, at offset: UInt64
    ) -> Int64 {
        let count = UInt32(min(segments.count, FileCommand.segmentLimit))
        // SAFETY: the segments are the caller's and valid during the call.
        return unsafe clinux_file_read_cached(descriptor, segments.baseAddress, count, offset)
    }
}
