// Kernel images, boot structures and ACPI tables are all little-endian.

extension [UInt8] {
    /// The integer stored at `offset`. The caller has seen to it that it lies inside.
    func integer<Value: FixedWidthInteger & UnsignedInteger>(_ type: Value.Type, at offset: Int) -> Value {
        let width = MemoryLayout<Value>.size
        return self[offset..<offset + width].reversed().reduce(0) { value, byte in
            // The shift by a byte's whole width is zero, as it should be.
            value << 8 | Value(byte)
        }
    }

    /// Appends an integer.
    mutating func append<Value: FixedWidthInteger & UnsignedInteger>(integer value: Value) {
        for shift in stride(from: 0, to: Value.bitWidth, by: 8) {
            append(UInt8(truncatingIfNeeded: value >> Value(shift)))
        }
    }

    /// Overwrites the integer at `offset`. The caller has seen to it that it lies inside.
    mutating func store<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value, at offset: Int) {
        for index in 0..<MemoryLayout<Value>.size {
            self[offset + index] = UInt8(truncatingIfNeeded: value >> Value(index * 8))
        }
    }

    /// Appends a text's ASCII bytes, filled up with blanks to `width` and cut off there.
    mutating func append(text: String, paddedTo width: Int) {
        let bytes = text.utf8.prefix(width)
        append(contentsOf: bytes)
        append(contentsOf: repeatElement(UInt8(ascii: " "), count: width - bytes.count))
    }
}

/// The number as messages show it.
func hex(_ value: some BinaryInteger) -> String {
    "0x" + String(value, radix: 16)
}

/// The next multiple of `alignment`, a power of two, or nil past the end of the 64-bit space.
func alignedUp(_ value: UInt64, to alignment: UInt64) -> UInt64? {
    let (sum, overflow) = value.addingReportingOverflow(alignment &- 1)
    return overflow ? nil : sum & ~(alignment &- 1)
}

/// The last multiple of `alignment`, a power of two, that is not above.
func alignedDown(_ value: UInt64, to alignment: UInt64) -> UInt64 {
    value & ~(alignment &- 1)
}
