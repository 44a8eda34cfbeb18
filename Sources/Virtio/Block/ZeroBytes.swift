internal import Glibc

/// Zeros to write where a file can do no better.
enum ZeroBytes {
    private static let longPiece = 64 << 10
    private static let longCount = 16
    private static let shortPiece = 512

    // SAFETY: both are made once, by one thread (static let), and never changed.

    /// The same zeros again and again, in long pieces.
    nonisolated(unsafe) private static let long = unsafe make(piece: longPiece, count: longCount)
    /// The same in short pieces, less than a long one in all.
    nonisolated(unsafe) private static let short = unsafe make(
        piece: shortPiece, count: longPiece / shortPiece - 1)

    /// Made once, never changed, never freed.
    private static func make(piece: Int, count: Int) -> UnsafeMutableBufferPointer<iovec> {
        // SAFETY: initialised here, as a whole.
        let zeros = UnsafeMutableRawPointer.allocate(byteCount: piece, alignment: 4096)
        unsafe zeros.initializeMemory(as: UInt8.self, repeating: 0, count: piece)
        let pieces = UnsafeMutableBufferPointer<iovec>.allocate(capacity: count)
        unsafe pieces.initialize(repeating: iovec(iov_base: zeros, iov_len: piece))
        return unsafe pieces
    }

    /// Segments for some or all of the bytes, a multiple of 512 and not 0. Only for reading from.
    static func segments(count: UInt64) -> UnsafeMutableBufferPointer<iovec> {
        if count >= UInt64(longPiece) {
            let pieces = Int(min(count / UInt64(longPiece), UInt64(longCount)))
            // SAFETY: at most longCount.
            return unsafe UnsafeMutableBufferPointer(rebasing: long[0..<pieces])
        }
        // SAFETY: fewer than make one long piece.
        return unsafe UnsafeMutableBufferPointer(rebasing: short[0..<Int(count) / shortPiece])
    }
}
