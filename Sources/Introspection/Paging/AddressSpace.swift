public import GuestMemory

/// One set of page tables of the guest: Intel SDM vol. 3, 4.5 (4-level and 5-level paging).
public struct AddressSpace: Hashable, Sendable {
    /// The physical address of the top table.
    public let root: GuestAddress
    /// How many levels of tables there are: 4, or 5 with CR4.LA57.
    public let levels: Int

    /// CR3's bits that are no address: PCID and cache controls below bit 12, what lies above bit 51.
    private static let addressMask: UInt64 = 0x000F_FFFF_FFFF_F000

    /// - Parameters:
    ///   - cr3: the register; its low bits are ignored.
    ///   - hasFiveLevels: CR4.LA57.
    public init(cr3: UInt64, hasFiveLevels: Bool = false) {
        root = GuestAddress(cr3 & Self.addressMask)
        levels = hasFiveLevels ? 5 : 4
    }

    init(root: GuestAddress, levels: Int) {
        self.root = GuestAddress(root.rawValue & Self.addressMask)
        self.levels = levels
    }

    /// The kernel's half of a process under page-table isolation: Linux keeps the kernel's top table in the
    /// even page and the user's in the odd one behind it (arch/x86/include/asm/pgtable.h, PTI_PGTABLE_SWITCH_BIT).
    public var kernelHalf: AddressSpace {
        AddressSpace(root: GuestAddress(root.rawValue & ~0x1000), levels: levels)
    }

    /// The user's half under page-table isolation.
    public var userHalf: AddressSpace {
        AddressSpace(root: GuestAddress(root.rawValue | 0x1000), levels: levels)
    }

    /// Finds what is mapped at an address.
    ///
    /// - Throws: `notMapped` if nothing is, or what `image` throws.
    public func translate(_ address: VirtualAddress, in image: GuestImage) throws(ReadError) -> PageMapping {
        let walk = try walk(address, in: image)
        guard let mapping = walk.mapping else { throw .notMapped(address) }
        return mapping
    }

    /// Every entry on the way to an address, and where it leads.
    public func walk(_ address: VirtualAddress, in image: GuestImage) throws(ReadError) -> PageWalk {
        var walk = PageWalk(address: address)
        let unused = 64 - (levels == 5 ? 57 : 48)
        // Not canonical: no table can map it.
        guard Int64(bitPattern: address.rawValue << unused) >> unused == Int64(bitPattern: address.rawValue)
        else { return walk }
        var table = root
        var isWritable = true
        var isUser = true
        var isExecutable = true
        for level in stride(from: levels, through: 1, by: -1) {
            let shift = UInt64(12 + 9 * (level - 1))
            let slot = address.rawValue >> shift & 0x1FF
            let place = GuestAddress(table.rawValue + slot * 8)
            let value = try image.load(UInt64.self, at: place)
            walk.append(PageWalk.Entry(level: level, place: place, value: value))
            let entry = PageTableEntry(rawValue: value)
            guard entry.contains(.present) else { return walk }
            isWritable = isWritable && entry.contains(.writable)
            isUser = isUser && entry.contains(.user)
            isExecutable = isExecutable && !entry.contains(.noExecute)
            if level == 1 || (level <= 3 && entry.contains(.large)) {
                let size = UInt64(1) << shift
                let frame = value & Self.addressMask & ~(size - 1)
                walk.mapping = PageMapping(
                    physical: GuestAddress(frame | address.rawValue & (size - 1)), pageSize: size,
                    isWritable: isWritable, isUser: isUser, isExecutable: isExecutable)
                return walk
            }
            table = GuestAddress(value & Self.addressMask)
        }
        return walk
    }
}

/// Flags of a page-table entry at any level (Intel SDM vol. 3, table 4-15 ff.).
struct PageTableEntry: OptionSet {
    let rawValue: UInt64
    static let present = PageTableEntry(rawValue: 1 << 0)
    static let writable = PageTableEntry(rawValue: 1 << 1)
    static let user = PageTableEntry(rawValue: 1 << 2)
    static let large = PageTableEntry(rawValue: 1 << 7)
    static let noExecute = PageTableEntry(rawValue: 1 << 63)
}

/// Where a virtual address leads.
public struct PageMapping: Equatable, Sendable {
    /// The physical address of the very byte.
    public var physical: GuestAddress
    /// 4 KiB, 2 MiB or 1 GiB.
    public var pageSize: UInt64
    /// The tables allow writing.
    public var isWritable: Bool
    /// The tables allow user mode.
    public var isUser: Bool
    /// The tables allow execution.
    public var isExecutable: Bool
}

/// The entries on the way to an address.
public struct PageWalk: Equatable, Sendable {
    /// The address that was looked for.
    public let address: VirtualAddress
    /// What was read, from the top table down.
    public private(set) var entries: [Entry] = []
    /// Where it leads; nil if an entry on the way is not present.
    public internal(set) var mapping: PageMapping?

    /// An entry of a table.
    public struct Entry: Equatable, Sendable {
        /// 5 to 1; 1 is the table of 4 KiB pages.
        public let level: Int
        /// Where the entry lies.
        public let place: GuestAddress
        /// What it holds.
        public let value: UInt64
    }

    init(address: VirtualAddress) {
        self.address = address
    }

    mutating func append(_ entry: Entry) {
        if entries.isEmpty { entries.reserveCapacity(5) }
        entries.append(entry)
    }
}
