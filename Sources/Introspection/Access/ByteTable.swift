/// Bytes copied from a guest or a file, read with every bound checked.
struct ByteTable: Sendable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var count: Int { bytes.count }

    /// The little-endian integer at an offset, aligned or not; nil if it is not wholly inside.
    @inline(__always)
    func load<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value? {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<Value>.size else { return nil }
        // SAFETY: all of the value lies in the array, which is checked above.
        return unsafe bytes.withUnsafeBytes { buffer in
            // SAFETY: as above; every bit pattern is an integer.
            unsafe Value(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: Value.self))
        }
    }

    /// Some of the bytes; nil if they are not all inside.
    func slice(_ offset: Int, count: Int) -> ArraySlice<UInt8>? {
        guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else {
            return nil
        }
        return bytes[offset..<offset + count]
    }

    /// The text at an offset up to its zero byte; nil if there is none within `limit` bytes.
    func text(at offset: Int, limit: Int = 512) -> String? {
        guard offset >= 0, offset < bytes.count else { return nil }
        let window = bytes[offset..<min(bytes.count, offset + limit)]
        guard let end = window.firstIndex(of: 0) else { return nil }
        return String(decoding: window[offset..<end], as: UTF8.self)
    }
}
