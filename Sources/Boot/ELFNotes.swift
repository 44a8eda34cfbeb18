internal import GuestMemory

extension ELFImage {
    /// The most bytes of notes that are looked at.
    static let notesLimit: UInt64 = 1 << 16

    /// The kernel's PVH entry: the value of the Xen note `XEN_ELFNOTE_PHYS32_ENTRY`, or nil if it
    /// has no such note. The value is 4 or 8 bytes long and always below 4 GiB.
    func pvhEntry(in image: any ImageSource) throws(BootError) -> GuestAddress? {
        for segment in notes {
            guard segment.size <= Self.notesLimit else {
                throw .unsuitableSegment(
                    index: segment.index, .notesTooLong(size: segment.size, limit: Self.notesLimit))
            }
            let bytes = try image.part(.segment(segment.index), at: segment.fileOffset, count: segment.size)
            var reader = NoteReader(
                bytes: bytes, fileOffset: segment.fileOffset, alignment: segment.alignment == 8 ? 8 : 4)
            while let note = try reader.next() {
                guard note.isPVHEntry else { continue }
                switch note.descriptor.count {
                case 4: return GuestAddress(UInt64(Array(note.descriptor).integer(UInt32.self, at: 0)))
                case 8:
                    let value = Array(note.descriptor).integer(UInt64.self, at: 0)
                    guard value <= UInt32.max else {
                        throw .entryOutsideKernel(GuestAddress(value), .pvh)
                    }
                    return GuestAddress(value)
                default: throw .malformedNote(offset: note.fileOffset)
                }
            }
        }
        return nil
    }
}

/// One note: a name, a type of that name's owner, and a value.
private struct Note {
    let fileOffset: UInt64
    let name: ArraySlice<UInt8>
    let type: UInt32
    let descriptor: ArraySlice<UInt8>

    /// `XEN_ELFNOTE_PHYS32_ENTRY` (Xen public/elfnote.h): 18.
    var isPVHEntry: Bool { type == 18 && name.elementsEqual([0x58, 0x65, 0x6E, 0]) }
}

/// Walks over the notes of one segment. The sizes in it are 32-bit, so that sums in 64 bits do not
/// overflow.
private struct NoteReader {
    let bytes: [UInt8]
    /// Where `bytes` lie in the image, for messages; the image holds them all.
    let fileOffset: UInt64
    let alignment: UInt64
    private var position: UInt64 = 0

    init(bytes: [UInt8], fileOffset: UInt64, alignment: UInt64) {
        self.bytes = bytes
        self.fileOffset = fileOffset
        self.alignment = alignment
    }

    /// The next note, or nil at the end. What is too short for a note's header is padding.
    mutating func next() throws(BootError) -> Note? {
        let headerSize: UInt64 = 12
        let end = UInt64(bytes.count)
        guard position < end, end - position >= headerSize else { return nil }
        let start = Int(position)
        let nameSize = UInt64(bytes.integer(UInt32.self, at: start))
        let descriptorSize = UInt64(bytes.integer(UInt32.self, at: start + 4))
        let nameStart = position + headerSize
        let malformed = BootError.malformedNote(offset: fileOffset + position)
        guard let descriptorStart = alignedUp(nameStart + nameSize, to: alignment),
            let next = alignedUp(descriptorStart + descriptorSize, to: alignment),
            descriptorStart + descriptorSize <= end
        else { throw malformed }
        // The last note's padding may be missing.
        defer { position = next }
        return Note(
            fileOffset: fileOffset + position,
            name: bytes[Int(nameStart)..<Int(nameStart + nameSize)],
            type: bytes.integer(UInt32.self, at: start + 8),
            descriptor: bytes[Int(descriptorStart)..<Int(descriptorStart + descriptorSize)])
    }
}
