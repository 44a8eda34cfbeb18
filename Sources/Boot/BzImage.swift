internal import GuestMemory

/// What a bzImage's setup header can say that cannot be booted.
public enum BzImageDefect: Equatable, Sendable, CustomStringConvertible {
    /// The boot protocol's version is older than `minimum`, both as major times 256 plus minor.
    case protocolTooOld(version: UInt16, minimum: UInt16)
    /// The header ends before the fields of that protocol do.
    case headerTooShort(end: Int, needed: Int)
    /// XLF_KERNEL_64 is not set.
    case no64BitEntry(loadFlags: UInt16)
    /// kernel_alignment is not a power of two.
    case alignment(UInt32)
    /// The load address and the memory the kernel needs pass the end of the address space.
    case addressWraps(address: UInt64, size: UInt64)
    /// The protected-mode kernel is too short to have a 64-bit entry.
    case noProtectedModeKernel(size: UInt64)

    /// The reason and the remedy, as a clause.
    public var description: String {
        switch self {
        case .protocolTooOld(let version, let minimum):
            "its boot protocol is \(hex(version)), at least \(hex(minimum)) is needed; give Linux 3.8 or newer"
        case .headerTooShort(let end, let needed):
            "its setup header ends at \(hex(end)), before \(hex(needed)); fetch it again"
        case .no64BitEntry(let flags):
            "it has no 64-bit entry (xloadflags \(hex(flags))); give an x86-64 kernel"
        case .alignment(let value): "its alignment \(hex(value)) is no power of two; fetch it again"
        case .addressWraps(let address, let size):
            "\(hex(size)) bytes at \(hex(address)) pass the end of the address space; fetch it again"
        case .noProtectedModeKernel(let size):
            "its protected-mode part has \(hex(size)) bytes, too few for an entry at 0x200; fetch it again"
        }
    }
}

/// A compressed Linux kernel with its setup header (Linux Documentation/arch/x86/boot.rst).
struct BzImage {
    static let headerMagic: [UInt8] = [0x48, 0x64, 0x72, 0x53]
    static let magicOffset = 0x202
    /// The setup header's first byte, in the image and in the zero page.
    static let headerStart = 0x1F1
    /// Where the zero page's room for the setup header ends.
    static let headerLimit = 0x290
    static let minimumVersion: UInt16 = 0x20C
    /// The 64-bit entry, from where the protected-mode kernel is loaded.
    static let entryOffset: UInt64 = 0x200

    /// The setup header as it stands in the image, from `headerStart`.
    let setupHeader: [UInt8]
    /// Where the protected-mode kernel begins in the image.
    let fileOffset: UInt64
    /// How long it is there.
    let fileSize: UInt64
    /// The memory it needs before it can tell by itself what is free: the file's part and the room to
    /// unpack it. It begins where the kernel is loaded.
    let memory: GuestRange
    /// The highest address the initial RAM disk's last byte may have.
    let initrdMaximum: UInt32
    /// How long a command line it takes, without the NUL.
    let commandLineLimit: UInt32

    /// Inside `memory`, as the file's part is longer than the entry's offset.
    var entry: GuestAddress { GuestAddress(memory.start.rawValue + Self.entryOffset) }

    init(reading image: any ImageSource) throws(BootError) {
        let neededEnd = BootParameters.Offset.initSize + 4
        // The zero page begins as the image does, so that its offsets hold for both.
        let start = try image.part(.setupHeader, at: 0, count: UInt64(neededEnd))
        let version = start.integer(UInt16.self, at: BootParameters.Offset.version)
        guard version >= Self.minimumVersion else {
            throw .unsuitableBzImage(.protocolTooOld(version: version, minimum: Self.minimumVersion))
        }
        // The byte before the magic number is the distance of the two-byte jump over the header.
        let headerEnd = Self.magicOffset + Int(start[Self.magicOffset - 1])
        guard headerEnd >= neededEnd else {
            throw .unsuitableBzImage(.headerTooShort(end: headerEnd, needed: neededEnd))
        }
        setupHeader = try image.part(
            .setupHeader, at: UInt64(Self.headerStart),
            count: UInt64(min(headerEnd, Self.headerLimit) - Self.headerStart))

        let loadFlags = start.integer(UInt16.self, at: BootParameters.Offset.extendedLoadFlags)
        guard loadFlags & 1 != 0 else { throw .unsuitableBzImage(.no64BitEntry(loadFlags: loadFlags)) }

        let sectors = start[BootParameters.Offset.setupSectors]
        fileOffset = (UInt64(sectors == 0 ? 4 : sectors) + 1) * 512
        fileSize = try Self.protectedModeSize(
            of: image, from: fileOffset,
            paragraphs: start.integer(UInt32.self, at: BootParameters.Offset.systemSize))
        memory = try Self.memory(for: start, fileSize: fileSize)
        initrdMaximum = start.integer(UInt32.self, at: BootParameters.Offset.initrdMaximum)
        commandLineLimit = start.integer(UInt32.self, at: BootParameters.Offset.commandLineSize)
    }

    /// syssize counts paragraphs of 16 bytes, and the last may be partly missing. What follows it,
    /// a signature for instance, is not loaded.
    private static func protectedModeSize(
        of image: any ImageSource, from offset: UInt64, paragraphs: UInt32
    ) throws(BootError) -> UInt64 {
        let announced = UInt64(paragraphs) * 16
        try image.check(.protectedModeKernel, at: offset, count: announced > 15 ? announced - 15 : 0)
        let size = announced == 0 ? image.size - offset : min(announced, image.size - offset)
        guard size > entryOffset else {
            throw .unsuitableBzImage(.noProtectedModeKernel(size: size))
        }
        return size
    }

    /// A relocatable kernel may be loaded at any multiple of its alignment, but Linux never unpacks
    /// itself below its preferred address: loading it lower would hide that memory is too small.
    private static func memory(for header: [UInt8], fileSize: UInt64) throws(BootError) -> GuestRange {
        let preferred = header.integer(UInt64.self, at: BootParameters.Offset.preferredAddress)
        let alignment = header.integer(UInt32.self, at: BootParameters.Offset.alignment)
        let size = max(fileSize, UInt64(header.integer(UInt32.self, at: BootParameters.Offset.initSize)))
        var address = preferred
        if header[BootParameters.Offset.relocatable] != 0 {
            guard alignment > 0, alignment & (alignment - 1) == 0 else {
                throw .unsuitableBzImage(.alignment(alignment))
            }
            guard let aligned = alignedUp(max(preferred, LowMemory.end.rawValue), to: UInt64(alignment))
            else {
                throw .unsuitableBzImage(.addressWraps(address: preferred, size: size))
            }
            address = aligned
        }
        guard let memory = GuestRange(start: GuestAddress(address), size: size) else {
            throw .unsuitableBzImage(.addressWraps(address: address, size: size))
        }
        return memory
    }
}
