internal import GuestMemory

/// A kernel image of a known kind with the entry that was chosen.
enum KernelImage {
    case elf(ELFImage, BootProtocol, entry: GuestAddress)
    case bzImage(BzImage)

    init(reading image: any ImageSource, choice: BootProtocolChoice) throws(BootError) {
        guard image.size > 0 else { throw .emptyKernel }
        let beginning = try image.part(.elfHeader, at: 0, count: min(4, image.size))
        if beginning == ELFImage.magic {
            self = try Self.elf(reading: image, choice: choice)
        } else if try Self.isBzImage(image) {
            guard choice != .pvh else {
                throw .protocolUnavailable(.pvh, reason: "it is a bzImage, which has no PVH entry")
            }
            self = .bzImage(try BzImage(reading: image))
        } else {
            throw .notAKernel(beginning: beginning)
        }
    }

    private static func isBzImage(_ image: any ImageSource) throws(BootError) -> Bool {
        let magicEnd = UInt64(BzImage.magicOffset + BzImage.headerMagic.count)
        guard image.size >= magicEnd else { return false }
        let magic = try image.part(.setupHeader, at: UInt64(BzImage.magicOffset), count: 4)
        return magic == BzImage.headerMagic
    }

    private static func elf(
        reading image: any ImageSource, choice: BootProtocolChoice
    ) throws(BootError) -> KernelImage {
        let elf = try ELFImage(reading: image)
        let noted = choice == .linux64 ? nil : try elf.pvhEntry(in: image)
        if choice == .pvh, noted == nil {
            throw .protocolUnavailable(.pvh, reason: "it has no XEN_ELFNOTE_PHYS32_ENTRY note")
        }
        let bootProtocol: BootProtocol = noted == nil ? .linux64 : .pvh
        let entry = noted ?? elf.entry
        guard elf.hasCode(at: entry) else { throw .entryOutsideKernel(entry, bootProtocol) }
        return .elf(elf, bootProtocol, entry: entry)
    }
}

extension KernelImage {
    /// The most bytes of command line an ELF kernel takes, the NUL not counted: Linux's
    /// `COMMAND_LINE_SIZE` on x86-64.
    static let commandLineLimit: UInt32 = 2047
    /// The highest address of an initial RAM disk for an ELF kernel, as in Linux's own setup header.
    static let initrdMaximum: UInt32 = 0x7FFF_FFFF

    var bootProtocol: BootProtocol {
        switch self {
        case .elf(_, let chosen, _): chosen
        case .bzImage: .linux64
        }
    }

    var entry: GuestAddress {
        switch self {
        case .elf(_, _, let entry): entry
        case .bzImage(let image): image.entry
        }
    }

    /// Where the code lies, as far as the file tells.
    var codeRanges: [GuestRange] {
        switch self {
        case .elf(let image, _, _): image.code
        case .bzImage: []
        }
    }

    /// How long a command line may be, the NUL not counted: what the kernel takes and there is room for.
    var commandLineLimit: Int {
        switch self {
        case .elf: Int(Self.commandLineLimit)
        case .bzImage(let image): min(Int(image.commandLineLimit), LowMemory.commandLineCapacity - 1)
        }
    }

    var initrdMaximum: UInt32 {
        switch self {
        case .elf: Self.initrdMaximum
        case .bzImage(let image): image.initrdMaximum
        }
    }

    /// What this kernel is told in the Linux protocol, not yet complete.
    var bootParameters: BootParameters {
        switch self {
        case .elf: BootParameters(commandLineLimit: Self.commandLineLimit, initrdMaximum: Self.initrdMaximum)
        case .bzImage(let image): BootParameters(copying: image)
        }
    }
}
