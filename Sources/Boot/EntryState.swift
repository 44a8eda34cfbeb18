internal import GuestMemory
internal import X86

/// The selectors Linux calls `__BOOT_CS` and `__BOOT_DS`; both protocols get them here.
private let codeSelector: UInt16 = 0x10
private let dataSelector: UInt16 = 0x18

/// The boot processor's state as a protocol prescribes it, with the tables the state refers to.
struct EntryState {
    let processor: ProcessorState
    /// The global descriptor table. PVH leaves it to the kernel to bring its own; having one does no
    /// harm to a kernel that reloads a segment before.
    let descriptors: [UInt8]

    /// PVH: 32-bit protected mode without paging, EBX the start info's address
    /// (Xen docs/misc/pvh.pandoc).
    static func pvh(entry: GuestAddress, startInfo: GuestAddress) -> EntryState {
        var general = GeneralRegisters()
        general.rip = entry.rawValue
        general.rbx = startInfo.rawValue
        return EntryState(
            general: general, code: .flatCode32(selector: codeSelector),
            cr0: [.protectionEnable, .extensionType])
    }

    /// The Linux 64-bit protocol: long mode over identity-mapped pages, RSI the zero page's address
    /// (Linux Documentation/arch/x86/boot.rst, "64-bit Boot Protocol").
    static func linux64(entry: GuestAddress, bootParameters: GuestAddress, pageTables: GuestAddress)
        -> EntryState
    {
        var general = GeneralRegisters()
        general.rip = entry.rawValue
        general.rsi = bootParameters.rawValue
        return EntryState(
            general: general, code: .flatCode64(selector: codeSelector),
            cr0: [.protectionEnable, .extensionType, .numericError, .writeProtect, .paging],
            cr3: pageTables.rawValue, cr4: [.physicalAddressExtension],
            extendedFeatures: [.longModeEnable, .longModeActive])
    }

    private init(
        general: GeneralRegisters, code: Segment, cr0: ControlRegister0, cr3: UInt64 = 0,
        cr4: ControlRegister4 = [], extendedFeatures: ExtendedFeatureEnable = []
    ) {
        let data = Segment.flatData(selector: dataSelector)
        var descriptors: [UInt8] = []
        for descriptor in [0, 0, code.descriptor, data.descriptor] as [UInt64] {
            descriptors.append(integer: descriptor)
        }
        self.descriptors = descriptors
        processor = ProcessorState(
            general: general,
            special: SpecialRegisters(
                code: code, data: data, taskRegister: .taskState(selector: 0),
                globalTable: DescriptorTable(
                    base: LowMemory.descriptorTable.rawValue, limit: UInt16(descriptors.count - 1)),
                cr0: cr0, cr3: cr3, cr4: cr4, extendedFeatures: extendedFeatures))
    }
}

/// Page tables that map the first 4 GiB to themselves with 2 MiB pages, writable and executable, for
/// the supervisor. (Pages of 1 GiB would be one table less, but not every hypervisor allows them.)
enum IdentityPageTables {
    private static let pageSize: UInt64 = 4096
    private static let entryCount: UInt64 = 512
    private static let directoryCount: UInt64 = 4
    /// Present, writable, accessed (Intel SDM vol. 3, 4.5).
    private static let tableFlags: UInt64 = 0x23
    /// As a table, and dirty, and a large page. Set at once, so that no processor needs to set them.
    private static let largePageFlags: UInt64 = 0xE3

    /// How many bytes the tables take: one of level 4, one of level 3, four of level 2.
    static let size = (2 + directoryCount) * pageSize

    /// The tables as they stand at `address`, which is on a page.
    static func bytes(at address: GuestAddress) -> [UInt8] {
        let pointerTable = address.rawValue + pageSize
        let firstDirectory = pointerTable + pageSize
        var bytes = [UInt8](repeating: 0, count: Int(size))
        bytes.store(pointerTable | tableFlags, at: 0)
        for index in 0..<directoryCount {
            bytes.store((firstDirectory + index * pageSize) | tableFlags, at: Int(pageSize + index * 8))
        }
        for index in 0..<directoryCount * entryCount {
            // The upper halves stay zero: the addresses are below 4 GiB.
            let entry = UInt32(truncatingIfNeeded: index << 21 | largePageFlags)
            bytes.store(entry, at: Int(2 * pageSize + index * 8))
        }
        return bytes
    }
}
