internal import CLinux
public import Glibc

/// Bytes through a connected stream socket that somebody owns. Nothing waits, and nothing raises SIGPIPE.
///
/// Everything answers a count or a negated error number, as the kernel does: -EAGAIN is daily business
/// here, and no reason to make an error.
public enum StreamSocket {
    /// Receives into buffers in turn; 0 is the end of what comes.
    ///
    /// - Parameter buffers: memory of their lengths, writable.
    public static func receive(_ socket: Int32, into buffers: UnsafeMutableBufferPointer<iovec>) -> Int {
        // SAFETY: the caller's buffers; the count is theirs.
        unsafe clinux_stream_receive(socket, buffers.baseAddress, buffers.count)
    }

    /// Sends from buffers in turn.
    ///
    /// - Parameter buffers: memory of their lengths.
    public static func send(_ socket: Int32, from buffers: UnsafeMutableBufferPointer<iovec>) -> Int {
        // SAFETY: the caller's buffers; the count is theirs.
        unsafe clinux_stream_send(socket, buffers.baseAddress, buffers.count)
    }

    /// Sends bytes.
    public static func send(_ socket: Int32, _ bytes: RawSpan) -> Int {
        unsafe bytes.withUnsafeBytes { bytes in
            // SAFETY: only read from, though iovec does not say so.
            var part = unsafe iovec(
                iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
            return unsafe clinux_stream_send(socket, &part, 1)
        }
    }

    /// Receives bytes to the start of a buffer; 0 is the end of what comes.
    public static func receive(_ socket: Int32, into bytes: inout MutableRawSpan) -> Int {
        unsafe bytes.withUnsafeMutableBytes { bytes in
            // SAFETY: pointer and length describe one buffer.
            var part = unsafe iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
            return unsafe clinux_stream_receive(socket, &part, 1)
        }
    }

    /// Receives bytes to the start of a buffer, and leaves them to be received again.
    public static func peek(_ socket: Int32, into bytes: inout MutableRawSpan) -> Int {
        unsafe bytes.withUnsafeMutableBytes { bytes in
            // SAFETY: pointer and length describe one buffer.
            unsafe clinux_stream_peek(socket, bytes.baseAddress, bytes.count)
        }
    }

    /// Tells the other end that nothing more will come.
    public static func endSending(_ socket: Int32) {
        // It fails only when the other end is gone, which reading will show.
        _ = shutdown(socket, Int32(SHUT_WR))
    }

    /// Tells the other end that nothing is taken any more.
    public static func endReceiving(_ socket: Int32) {
        // As above.
        _ = shutdown(socket, Int32(SHUT_RD))
    }
}
