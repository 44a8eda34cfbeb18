/// Bytes from outside, read as little-endian integers; nil where the bytes end before.
struct LittleEndianBytes {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self, at offset: Int) -> Value? {
        let size = MemoryLayout<Value>.size
        guard contains(offset, size) else { return nil }
        var value: Value = 0
        for index in 0..<size {
            value |= Value(truncatingIfNeeded: bytes[offset + index]) << Value(truncatingIfNeeded: index * 8)
        }
        return value
    }

    /// A 32-bit field as an `Int`.
    func field(at offset: Int) -> Int? {
        integer(UInt32.self, at: offset).map { Int($0) }
    }

    /// So many bytes from an offset.
    func slice(at offset: Int, count: Int) -> ArraySlice<UInt8>? {
        contains(offset, count) ? bytes[offset..<offset + count] : nil
    }

    private func contains(_ offset: Int, _ count: Int) -> Bool {
        offset >= 0 && count >= 0 && offset <= bytes.count && count <= bytes.count - offset
    }
}
