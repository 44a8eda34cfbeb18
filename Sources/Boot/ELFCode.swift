internal import GuestMemory

/// Where an ELF kernel's code lies, by its section headers (System V ABI, "Sections").
///
/// Only a hint for loading: Linux rewrites nearly every page of its code when it boots (ftrace turns the
/// call at the start of each function into a no-op), so these pages are worth preparing for writing.
/// Nothing that a kernel needs depends on it, so whatever is odd here is passed over.
enum ELFCode {
    private static let sectionHeaderSize = 64
    private static let sectionLimit: UInt16 = 4096
    /// A small kernel is copied anyway, and should not cost a start the reading of one more table.
    static let leastImageSize: UInt64 = 1 << 20
    /// SHT_PROGBITS: the section has bytes in the file.
    private static let programBits: UInt32 = 1
    /// SHF_EXECINSTR.
    private static let executable: UInt64 = 1 << 2

    /// The guest ranges of the code in these segments; none if the file does not tell.
    static func ranges(
        in image: any ImageSource, header: [UInt8], segments: [ELFImage.Segment]
    ) -> [GuestRange] {
        let offset = header.integer(UInt64.self, at: 40)
        let entrySize = header.integer(UInt16.self, at: 58)
        let count = header.integer(UInt16.self, at: 60)
        let size = Int(count) * sectionHeaderSize
        guard Int(entrySize) == sectionHeaderSize, count <= sectionLimit, size > 0, offset <= image.size,
            UInt64(size) <= image.size - offset, let table = try? image.bytes(at: offset, count: size)
        else { return [] }
        return (0..<Int(count)).compactMap { index in
            range(of: table, at: index * sectionHeaderSize, in: segments)
        }
    }

    private static func range(
        of table: [UInt8], at offset: Int, in segments: [ELFImage.Segment]
    ) -> GuestRange? {
        guard table.integer(UInt32.self, at: offset + 4) == programBits,
            table.integer(UInt64.self, at: offset + 8) & executable != 0
        else { return nil }
        let start = table.integer(UInt64.self, at: offset + 24)
        let size = table.integer(UInt64.self, at: offset + 32)
        for segment in segments where size > 0 && start >= segment.fileOffset {
            let distance = start - segment.fileOffset
            guard distance < segment.fileSize, size <= segment.fileSize - distance,
                let address = segment.memory.start.advanced(by: distance)
            else { continue }
            return GuestRange(start: address, size: size)
        }
        return nil
    }
}
