internal import GuestMemory
internal import HostSystem

/// A note of an ELF core (System V ABI, chapter 5).
public struct DumpNote: Equatable, Sendable {
    /// Who defined it, such as `CORE`.
    public let owner: String
    /// What it is, by the owner's numbers.
    public let kind: UInt32
    /// Its content.
    public let content: [UInt8]

    /// All as given.
    public init(owner: String, kind: UInt32, content: [UInt8]) {
        self.owner = owner
        self.kind = kind
        self.content = content
    }
}

/// Where memory lies in a dump file.
struct DumpLayout {
    let parts: [DumpFile.Part]
    let notes: [DumpNote]

    /// A machine check's worth of program headers is some dozen; a kernel's core has a few hundred.
    private static let maximumHeaders = 65_535
    private static let maximumNoteBytes: UInt64 = 16 << 20

    init(of file: borrowing RegularFile) throws(DumpError) {
        let path = file.path
        guard file.size >= 4096 else {
            throw DumpError(path, "it has \(file.size) bytes, too few for a memory dump")
        }
        let start = try Self.read(file, at: 0, count: 64)
        guard start[0..<4] == [0x7F, 0x45, 0x4C, 0x46] else {
            guard file.size % 4096 == 0, file.size <= AddressSpaceLayout.maximumSize,
                let range = GuestRange(start: GuestAddress(0), size: file.size)
            else {
                throw DumpError(
                    path, "it is neither an ELF core nor raw memory: its size is no multiple of 4096")
            }
            parts = [DumpFile.Part(range: range, fileOffset: 0)]
            notes = []
            return
        }
        let bytes = ByteTable(start)
        // EI_CLASS 64-bit, EI_DATA little-endian; e_type ET_CORE; e_machine EM_X86_64.
        guard start[4] == 2, start[5] == 1, bytes.load(UInt16.self, at: 16) == 4,
            bytes.load(UInt16.self, at: 18) == 62,
            let tableOffset = bytes.load(UInt64.self, at: 32),
            let entrySize = bytes.load(UInt16.self, at: 54),
            let count = bytes.load(UInt16.self, at: 56), entrySize == 56, count > 0
        else { throw DumpError(path, "it is an ELF file, but no core of a 64-bit x86 machine") }
        let table = ByteTable(
            try Self.read(file, at: tableOffset, count: min(Int(count), Self.maximumHeaders) * 56))
        var parts: [DumpFile.Part] = []
        var notes: [DumpNote] = []
        for index in 0..<Int(count) {
            let base = index * 56
            guard let kind = table.load(UInt32.self, at: base),
                let offset = table.load(UInt64.self, at: base + 8),
                let address = table.load(UInt64.self, at: base + 24),
                let size = table.load(UInt64.self, at: base + 32)
            else { break }
            guard size > 0 else { continue }
            guard let end = Optional(offset.addingReportingOverflow(size)), !end.overflow,
                end.partialValue <= file.size
            else { throw DumpError(path, "it is truncated: part \(index) lies beyond its end") }
            if kind == 1 {
                guard let range = GuestRange(start: GuestAddress(address), size: size) else {
                    throw DumpError(path, "part \(index) has an address that cannot be")
                }
                // Parts without a physical address, or said twice, as some programs write the kernel's map.
                if !parts.contains(where: { $0.range.overlaps(range) }) {
                    parts.append(DumpFile.Part(range: range, fileOffset: offset))
                }
            } else if kind == 4, size <= Self.maximumNoteBytes {
                notes += Self.notes(in: try Self.read(file, at: offset, count: Int(size)))
            }
        }
        guard !parts.isEmpty else { throw DumpError(path, "it has no memory in it") }
        self.parts = parts.sorted { $0.range.start < $1.range.start }
        self.notes = notes
    }

    private static func read(
        _ file: borrowing RegularFile, at offset: UInt64, count: Int
    ) throws(DumpError) -> [UInt8] {
        do throws(SystemError) {
            return try file.bytes(at: offset, count: count)
        } catch {
            throw DumpError(file.path, "it is truncated: \(error)")
        }
    }

    private static func notes(in content: [UInt8]) -> [DumpNote] {
        let bytes = ByteTable(content)
        var notes: [DumpNote] = []
        var position = 0
        while let nameSize = bytes.load(UInt32.self, at: position),
            let size = bytes.load(UInt32.self, at: position + 4),
            let kind = bytes.load(UInt32.self, at: position + 8)
        {
            let nameStart = position + 12
            let start = nameStart + (Int(nameSize) + 3) / 4 * 4
            guard let name = bytes.slice(nameStart, count: Int(nameSize)),
                let value = bytes.slice(start, count: Int(size))
            else { break }
            notes.append(
                DumpNote(
                    owner: String(decoding: name.prefix { $0 != 0 }, as: UTF8.self), kind: kind,
                    content: Array(value)))
            position = start + (Int(size) + 3) / 4 * 4
        }
        return notes
    }
}
