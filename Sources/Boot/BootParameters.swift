internal import GuestMemory

/// The zero page, `struct boot_params`: what a Linux kernel is told by its boot loader
/// (Linux Documentation/arch/x86/zero-page.rst and boot.rst).
struct BootParameters {
    /// Offsets in the zero page; those of the setup header hold in a bzImage too.
    enum Offset {
        static let rootPointer = 0x070
        static let memoryMapCount = 0x1E8
        static let setupSectors = 0x1F1
        static let systemSize = 0x1F4
        static let videoMode = 0x1FA
        static let bootFlag = 0x1FE
        static let magic = 0x202
        static let version = 0x206
        static let loaderType = 0x210
        static let loadFlags = 0x211
        static let code32Start = 0x214
        static let initrdAddress = 0x218
        static let initrdSize = 0x21C
        static let commandLine = 0x228
        static let initrdMaximum = 0x22C
        static let alignment = 0x230
        static let relocatable = 0x234
        static let extendedLoadFlags = 0x236
        static let commandLineSize = 0x238
        static let setupData = 0x250
        static let preferredAddress = 0x258
        static let initSize = 0x260
        static let memoryMap = 0x2D0
    }

    static let size = 4096
    /// type_of_loader: one without an assigned number.
    private static let unknownLoader: UInt8 = 0xFF
    /// loadflags: the protected-mode kernel is loaded at 1 MiB or above.
    private static let loadedHigh: UInt8 = 1
    /// vid_mode: as it is.
    private static let normalVideo: UInt16 = 0xFFFF

    private(set) var bytes = [UInt8](repeating: 0, count: size)

    /// For a bzImage: its own setup header, completed.
    init(copying image: BzImage) {
        bytes.replaceSubrange(
            BzImage.headerStart..<BzImage.headerStart + image.setupHeader.count, with: image.setupHeader)
        // Nothing is cut off: a kernel with an entry above 4 GiB is not booted.
        bytes.store(UInt32(truncatingIfNeeded: image.memory.start.rawValue), at: Offset.code32Start)
        // A list of ours, and empty.
        bytes.store(0 as UInt64, at: Offset.setupData)
        fillCommonFields()
    }

    /// For an ELF kernel, which has no setup header: what a kernel looks at.
    init(commandLineLimit: UInt32, initrdMaximum: UInt32) {
        bytes.store(0xAA55 as UInt16, at: Offset.bootFlag)
        bytes.replaceSubrange(Offset.magic..<Offset.magic + 4, with: BzImage.headerMagic)
        bytes.store(BzImage.minimumVersion, at: Offset.version)
        bytes.store(initrdMaximum, at: Offset.initrdMaximum)
        bytes.store(0x100_0000 as UInt32, at: Offset.alignment)
        bytes.store(commandLineLimit, at: Offset.commandLineSize)
        fillCommonFields()
    }

    private mutating func fillCommonFields() {
        bytes[Offset.loaderType] = Self.unknownLoader
        bytes[Offset.loadFlags] |= Self.loadedHigh
        bytes.store(Self.normalVideo, at: Offset.videoMode)
    }

    mutating func setCommandLine(_ address: GuestAddress) {
        bytes.store(UInt32(truncatingIfNeeded: address.rawValue), at: Offset.commandLine)
    }

    /// The range lies below 4 GiB.
    mutating func setInitrd(_ range: GuestRange?) {
        guard let range else { return }
        bytes.store(UInt32(truncatingIfNeeded: range.start.rawValue), at: Offset.initrdAddress)
        bytes.store(UInt32(truncatingIfNeeded: range.size), at: Offset.initrdSize)
    }

    mutating func setRootPointer(_ address: GuestAddress?) {
        guard let address else { return }
        bytes.store(address.rawValue, at: Offset.rootPointer)
    }

    /// Entries of 20 bytes: address, size, kind. There is room for 128.
    mutating func setMemoryMap(_ map: MemoryMap) {
        bytes[Offset.memoryMapCount] = UInt8(map.entries.count)
        for (index, entry) in map.entries.enumerated() {
            let offset = Offset.memoryMap + index * 20
            bytes.store(entry.range.start.rawValue, at: offset)
            bytes.store(entry.range.size, at: offset + 8)
            bytes.store(entry.kind.rawValue, at: offset + 16)
        }
    }
}
