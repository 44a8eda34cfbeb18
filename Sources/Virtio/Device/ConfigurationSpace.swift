public import Devices

/// A device's configuration space as bytes, little-endian, that answers accesses of every width.
public struct ConfigurationSpace: Sendable {
    private var bytes: [UInt8]

    /// A space of zeros.
    public init(size: Int) {
        bytes = [UInt8](repeating: 0, count: size)
    }

    /// Sets a field. The whole field lies in the space.
    public mutating func set<Field: FixedWidthInteger & Sendable>(_ value: Field, at offset: Int) {
        var rest = value.littleEndian
        for index in 0..<MemoryLayout<Field>.size {
            bytes[offset + index] = UInt8(truncatingIfNeeded: rest)
            rest >>= 8
        }
    }

    /// Reads a field of the space.
    public func get<Field: FixedWidthInteger & Sendable>(_ type: Field.Type, at offset: Int) -> Field {
        var value: Field = 0
        for index in (0..<MemoryLayout<Field>.size).reversed() {
            value = value << 8 | Field(truncatingIfNeeded: bytes[offset + index])
        }
        return value
    }

    /// A guest's read; what lies outside is zero.
    public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
        var value: UInt64 = 0
        var lane: UInt64 = 0
        while lane < width.byteCount {
            let (place, isOver) = offset.addingReportingOverflow(lane)
            if !isOver, place < UInt64(bytes.count) { value |= UInt64(bytes[Int(place)]) << (8 * lane) }
            lane += 1
        }
        return value
    }

    /// A guest's write, where the device lets it: what lies outside `writable` is ignored.
    public mutating func write(
        offset: UInt64, width: AccessWidth, value: UInt64, writable: Range<Int>
    ) {
        for lane in 0..<width.byteCount {
            let (place, isOver) = offset.addingReportingOverflow(lane)
            guard !isOver, place < UInt64(bytes.count), writable.contains(Int(place)) else { continue }
            bytes[Int(place)] = UInt8(truncatingIfNeeded: value >> (8 * lane))
        }
    }
}
