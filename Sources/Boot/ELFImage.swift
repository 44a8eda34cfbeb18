internal import GuestMemory

/// What an ELF header can say that no bootable kernel's does.
public enum ELFDefect: Equatable, Sendable, CustomStringConvertible {
    /// EI_CLASS is not 2.
    case not64Bit(class: UInt8)
    /// EI_DATA is not 1.
    case notLittleEndian(data: UInt8)
    /// EI_VERSION or e_version is not 1.
    case unknownVersion(UInt32)
    /// e_machine is not 62.
    case wrongMachine(UInt16)
    /// e_type is 3.
    case positionIndependent
    /// e_type is neither 2 nor 3.
    case notExecutable(type: UInt16)
    /// e_phentsize is not 56.
    case programHeaderSize(UInt16)
    /// e_phnum is 0, or more than a kernel needs.
    case programHeaderCount(UInt16, limit: UInt16)
    /// No program header says that anything is to be loaded.
    case nothingToLoad

    /// The reason and the remedy, as a clause.
    public var description: String {
        switch self {
        case .not64Bit(let value): "it is not 64-bit (class \(hex(value))); give an x86-64 kernel"
        case .notLittleEndian(let value):
            "it is not little-endian (data \(hex(value))); give an x86-64 kernel"
        case .unknownVersion(let value): "its ELF version is \(hex(value)) instead of 1; fetch it again"
        case .wrongMachine(let value):
            "it is for machine \(hex(value)), not 0x3e (x86-64); give an x86-64 kernel"
        case .positionIndependent:
            "it is position-independent (type 0x3); link it with -no-pie at fixed addresses"
        case .notExecutable(let type): "it is not an executable (type \(hex(type))); give a linked kernel"
        case .programHeaderSize(let size):
            "its program headers have \(hex(size)) bytes instead of 0x38; fetch it again"
        case .programHeaderCount(let count, let limit):
            "it has \(hex(count)) program headers, between 1 and \(hex(limit)) are possible; give a linked kernel"
        case .nothingToLoad: "none of its segments is to be loaded; give a linked kernel"
        }
    }
}

/// What a program header can say that is impossible.
public enum SegmentDefect: Equatable, Sendable, CustomStringConvertible {
    /// p_filesz is above p_memsz.
    case fileLargerThanMemory(fileSize: UInt64, memorySize: UInt64)
    /// p_paddr and p_memsz pass the end of the address space.
    case addressWraps(address: UInt64, memorySize: UInt64)
    /// The notes are longer than any kernel's.
    case notesTooLong(size: UInt64, limit: UInt64)

    /// The reason, as a clause.
    public var description: String {
        switch self {
        case .fileLargerThanMemory(let fileSize, let memorySize):
            "it has \(hex(fileSize)) bytes in the file for \(hex(memorySize)) bytes of memory"
        case .addressWraps(let address, let memorySize):
            "\(hex(memorySize)) bytes at \(hex(address)) pass the end of the address space"
        case .notesTooLong(let size, let limit):
            "it has \(hex(size)) bytes of notes, \(hex(limit)) at most are possible"
        }
    }
}

/// The parts of an ELF kernel that matter for loading it (System V ABI, "Object Files").
struct ELFImage {
    /// A PT_LOAD segment that takes memory.
    struct Segment {
        let index: Int
        let fileOffset: UInt64
        let fileSize: UInt64
        /// By p_paddr and p_memsz: the loader of a kernel ignores virtual addresses.
        let memory: GuestRange
    }

    /// A PT_NOTE segment.
    struct Notes {
        let index: Int
        let fileOffset: UInt64
        let size: UInt64
        let alignment: UInt64
    }

    static let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]
    static let headerSize = 64
    static let programHeaderSize = 56
    static let programHeaderLimit: UInt16 = 256

    let entry: GuestAddress
    let segments: [Segment]
    let notes: [Notes]
    /// Where the code lies, if the file tells: see `ELFCode`.
    let code: [GuestRange]

    init(reading image: any ImageSource) throws(BootError) {
        let header = try image.part(.elfHeader, at: 0, count: UInt64(Self.headerSize))
        try Self.check(identification: header)

        entry = GuestAddress(header.integer(UInt64.self, at: 24))
        let tableOffset = header.integer(UInt64.self, at: 32)
        let entrySize = header.integer(UInt16.self, at: 54)
        let entryCount = header.integer(UInt16.self, at: 56)
        guard Int(entrySize) == Self.programHeaderSize else {
            throw .unsuitableELF(.programHeaderSize(entrySize))
        }
        guard entryCount > 0, entryCount <= Self.programHeaderLimit else {
            throw .unsuitableELF(.programHeaderCount(entryCount, limit: Self.programHeaderLimit))
        }
        let table = try image.part(
            .programHeaders, at: tableOffset, count: UInt64(entryCount) * UInt64(Self.programHeaderSize))

        var segments: [Segment] = []
        var notes: [Notes] = []
        for index in 0..<Int(entryCount) {
            let header = ProgramHeader(table, at: index * Self.programHeaderSize)
            switch header.type {
            case ProgramHeader.load where header.memorySize > 0 || header.fileSize > 0:
                segments.append(try header.segment(index, in: image))
            case ProgramHeader.note:
                try image.check(.segment(index), at: header.fileOffset, count: header.fileSize)
                notes.append(
                    Notes(
                        index: index, fileOffset: header.fileOffset, size: header.fileSize,
                        alignment: header.alignment))
            default:
                break
            }
        }
        guard !segments.isEmpty else { throw .unsuitableELF(.nothingToLoad) }
        self.segments = segments
        self.notes = notes
        code =
            image.size < ELFCode.leastImageSize
            ? [] : ELFCode.ranges(in: image, header: header, segments: segments)
    }

    /// Whether a processor that starts here finds bytes of the file.
    func hasCode(at address: GuestAddress) -> Bool {
        segments.contains { segment in
            address >= segment.memory.start
                && address.rawValue - segment.memory.start.rawValue < segment.fileSize
        }
    }

    private static func check(identification header: [UInt8]) throws(BootError) {
        guard header[4] == 2 else { throw .unsuitableELF(.not64Bit(class: header[4])) }
        guard header[5] == 1 else { throw .unsuitableELF(.notLittleEndian(data: header[5])) }
        guard header[6] == 1 else { throw .unsuitableELF(.unknownVersion(UInt32(header[6]))) }
        let machine = header.integer(UInt16.self, at: 18)
        guard machine == 62 else { throw .unsuitableELF(.wrongMachine(machine)) }
        let version = header.integer(UInt32.self, at: 20)
        guard version == 1 else { throw .unsuitableELF(.unknownVersion(version)) }
        switch header.integer(UInt16.self, at: 16) {
        case 2: break
        case 3: throw .unsuitableELF(.positionIndependent)
        case let type: throw .unsuitableELF(.notExecutable(type: type))
        }
    }
}

/// One entry of the program header table, as it stands there.
private struct ProgramHeader {
    static let load: UInt32 = 1
    static let note: UInt32 = 4

    let type: UInt32
    let fileOffset: UInt64
    let physicalAddress: UInt64
    let fileSize: UInt64
    let memorySize: UInt64
    let alignment: UInt64

    init(_ table: [UInt8], at offset: Int) {
        type = table.integer(UInt32.self, at: offset)
        fileOffset = table.integer(UInt64.self, at: offset + 8)
        physicalAddress = table.integer(UInt64.self, at: offset + 24)
        fileSize = table.integer(UInt64.self, at: offset + 32)
        memorySize = table.integer(UInt64.self, at: offset + 40)
        alignment = table.integer(UInt64.self, at: offset + 48)
    }

    func segment(_ index: Int, in image: any ImageSource) throws(BootError) -> ELFImage.Segment {
        guard fileSize <= memorySize else {
            throw .unsuitableSegment(
                index: index, .fileLargerThanMemory(fileSize: fileSize, memorySize: memorySize))
        }
        try image.check(.segment(index), at: fileOffset, count: fileSize)
        guard let memory = GuestRange(start: GuestAddress(physicalAddress), size: memorySize) else {
            throw .unsuitableSegment(
                index: index, .addressWraps(address: physicalAddress, memorySize: memorySize))
        }
        return ELFImage.Segment(index: index, fileOffset: fileOffset, fileSize: fileSize, memory: memory)
    }
}

extension ImageSource {
    /// Throws if the image does not have all these bytes.
    func check(_ part: ImagePart, at offset: UInt64, count: UInt64) throws(BootError) {
        guard offset <= size, count <= size - offset else {
            throw .truncated(part, offset: offset, count: count, imageSize: size)
        }
    }

    /// A part of the image; the caller has bounded `count` to what may be held in memory.
    func part(_ part: ImagePart, at offset: UInt64, count: UInt64) throws(BootError) -> [UInt8] {
        try check(part, at: offset, count: count)
        do {
            return try bytes(at: offset, count: Int(count))
        } catch {
            throw .unreadable(error)
        }
    }
}
