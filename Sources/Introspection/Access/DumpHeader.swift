public import GuestMemory

/// The beginning of an ELF core of a guest's memory: what `crash`, `drgn`, Volatility and `DumpFile` read.
public struct DumpHeader {
    /// The file's first bytes: all before the memory.
    public let bytes: [UInt8]
    /// The memory in the order of the file, and where each part begins in it.
    public let parts: [(range: GuestRange, fileOffset: UInt64)]
    /// The file's size.
    public let size: UInt64

    /// - Parameters:
    ///   - regions: the guest's memory.
    ///   - directMap: where the kernel maps all memory, which becomes the parts' virtual addresses; nil if
    ///     no kernel was found.
    ///   - notes: what else the file shall tell.
    public init(regions: [GuestRange], directMap: VirtualAddress?, notes: [DumpNote]) {
        var noteBytes: [UInt8] = []
        for note in notes {
            let name = Array(note.owner.utf8) + [0]
            noteBytes.append(littleEndian: UInt32(name.count))
            noteBytes.append(littleEndian: UInt32(note.content.count))
            noteBytes.append(littleEndian: note.kind)
            noteBytes += name
            noteBytes += repeatElement(0, count: -name.count & 3)
            noteBytes += note.content
            noteBytes += repeatElement(0, count: -note.content.count & 3)
        }
        let tableEnd = 64 + 56 * (regions.count + 1)
        var offset = UInt64((tableEnd + noteBytes.count + 4095) / 4096 * 4096)

        // e_ident: 64-bit, little-endian, version 1; ET_CORE, EM_X86_64, version 1.
        var bytes: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        bytes.append(littleEndian: UInt16(4))
        bytes.append(littleEndian: UInt16(62))
        bytes.append(littleEndian: UInt32(1))
        bytes.append(littleEndian: UInt64(0))
        bytes.append(littleEndian: UInt64(64))
        bytes.append(littleEndian: UInt64(0))
        bytes.append(littleEndian: UInt32(0))
        for half in [64, 56, regions.count + 1, 0, 0, 0] { bytes.append(littleEndian: UInt16(half)) }

        Self.append(
            to: &bytes, kind: 4, flags: 0, fileOffset: UInt64(tableEnd), 0, 0, UInt64(noteBytes.count))
        var parts: [(range: GuestRange, fileOffset: UInt64)] = []
        for region in regions {
            let virtual = directMap.map { $0.rawValue &+ region.start.rawValue } ?? 0
            Self.append(
                to: &bytes, kind: 1, flags: 7, fileOffset: offset, virtual, region.start.rawValue, region.size
            )
            parts.append((region, offset))
            offset += region.size
        }
        bytes += noteBytes
        self.bytes = bytes
        self.parts = parts
        size = offset
    }

    /// A program header (System V ABI, chapter 5).
    private static func append(
        to bytes: inout [UInt8], kind: UInt32, flags: UInt32, fileOffset: UInt64, _ virtual: UInt64,
        _ physical: UInt64, _ size: UInt64
    ) {
        bytes.append(littleEndian: kind)
        bytes.append(littleEndian: flags)
        for word in [fileOffset, virtual, physical, size, kind == 4 ? 0 : size, 0] {
            bytes.append(littleEndian: word)
        }
    }
}

extension DumpNote {
    /// A virtual CPU's registers, `NT_PRSTATUS`, as a debugger reads them of a core (Linux, struct elf_prstatus).
    ///
    /// - Parameter registers: in the order of `struct user_regs_struct`: R15 R14 R13 R12 RBP RBX R11 R10 R9 R8
    ///   RAX RCX RDX RSI RDI ORIG_RAX RIP CS EFLAGS RSP SS FS.base GS.base DS ES FS GS.
    public init(processor: Int, registers: [UInt64]) {
        var content = [UInt8](repeating: 0, count: 32)
        // The process number: 0 is refused by some readers.
        content.append(littleEndian: UInt32(processor + 1))
        content += repeatElement(0, count: 112 - content.count)
        for index in 0..<27 { content.append(littleEndian: index < registers.count ? registers[index] : 0) }
        content += repeatElement(0, count: 8)
        self.init(owner: "CORE", kind: 1, content: content)
    }
}

extension [UInt8] {
    mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
        for index in 0..<MemoryLayout<Value>.size {
            append(UInt8(truncatingIfNeeded: value >> Value(8 * index)))
        }
    }
}
