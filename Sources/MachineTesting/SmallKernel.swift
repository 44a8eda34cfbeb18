/// An ELF file made by a test: whatever its header should say, right or wrong.
public struct SmallKernel {
    /// A program header of type PT_LOAD.
    public struct Segment {
        /// p_paddr and p_vaddr.
        public var address: UInt64
        /// What the file has of it.
        public var bytes: [UInt8]
        /// p_memsz; the number of bytes if nil.
        public var memorySize: UInt64?

        /// A segment as given.
        public init(_ address: UInt64, _ bytes: [UInt8], memorySize: UInt64? = nil) {
            self.address = address
            self.bytes = bytes
            self.memorySize = memorySize
        }
    }

    /// What is loaded.
    public var segments: [Segment]
    /// e_entry.
    public var entry: UInt64
    /// e_machine; 62 is x86-64.
    public var machine: UInt16 = 62

    /// A kernel that is entered in 64-bit mode at its first byte.
    public init(code: [UInt8], at address: UInt64 = 0x100000) {
        segments = [Segment(address, code)]
        entry = address
    }

    /// The file.
    public var bytes: [UInt8] {
        let headerSize = 64
        let programHeaderSize = 56
        var file: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8)
        file += little(2 as UInt16) + little(machine) + little(1 as UInt32)
        file += little(entry) + little(UInt64(headerSize)) + little(0 as UInt64)
        file += little(0 as UInt32) + little(UInt16(headerSize)) + little(UInt16(programHeaderSize))
        file += little(UInt16(segments.count)) + [UInt8](repeating: 0, count: 6)
        var offset = headerSize + programHeaderSize * segments.count
        for segment in segments {
            file += little(1 as UInt32) + little(7 as UInt32) + little(UInt64(offset))
            file += little(segment.address) + little(segment.address) + little(UInt64(segment.bytes.count))
            file += little(segment.memorySize ?? UInt64(segment.bytes.count)) + little(1 as UInt64)
            offset += segment.bytes.count
        }
        for segment in segments { file += segment.bytes }
        return file
    }
}

/// An integer's bytes, the lowest first.
public func little(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}
