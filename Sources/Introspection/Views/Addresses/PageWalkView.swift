internal import GuestMemory

/// The way through the page tables to an address, entry by entry.
public struct PageWalkView {
    private let memory: BytesView
    private let kernel: Kernel

    /// Nothing can be missing.
    public init(_ kernel: Kernel) {
        self.kernel = kernel
        memory = BytesView(kernel)
    }

    /// Walks to an address; the last row is the entry that maps it, or the one that is not present.
    /// No rows: the address is not canonical, or a physical one, which no table leads to.
    ///
    /// - Throws: `notFound` if there is no such process; `read` if a table is no memory.
    public func read(
        _ address: VirtualAddress, in scope: AddressScope
    ) throws(IntrospectionError) -> [PageWalkRow] {
        guard scope != .physical else { return [] }
        let space = try memory.space(scope)
        let walk = try reading { () throws(ReadError) in
            try space.walk(address, in: kernel.image)
        }
        return PageWalkRow.rows(of: walk)
    }
}

/// An entry of a page table on the way to an address.
public struct PageWalkRow: ViewRow {
    /// The table's level, 5 to 1.
    public let level: Int
    /// The entry's number in its table.
    public let index: Int
    /// The entry's physical address.
    public let place: UInt64
    /// The entry.
    public let value: UInt64
    /// Where it leads: the next table, or the very byte if it maps a page. Nil if it is not present.
    public let target: UInt64?
    /// The size of the page it maps; nil if it leads to a table or nowhere.
    public let pageSize: UInt64?

    /// The manual's name of such an entry (Intel SDM vol. 3, 4.5).
    public var name: String { ["PTE", "PDE", "PDPTE", "PML4E", "PML5E"][min(max(level, 1), 5) - 1] }

    static func rows(of walk: PageWalk) -> [PageWalkRow] {
        walk.entries.enumerated().map { position, entry in
            let isLast = position == walk.entries.count - 1
            let isPresent = PageTableEntry(rawValue: entry.value).contains(.present)
            let leaf = isLast ? walk.mapping : nil
            return PageWalkRow(
                level: entry.level, index: Int(entry.place.rawValue & 0xFFF) / 8, place: entry.place.rawValue,
                value: entry.value,
                target: leaf.map(\.physical.rawValue)
                    ?? (isPresent ? entry.value & 0x000F_FFFF_FFFF_F000 : nil),
                pageSize: leaf?.pageSize)
        }
    }

    /// The entry's flags by the manual's names, those that Linux keeps in the ignored bits behind them
    /// (arch/x86/include/asm/pgtable_types.h). Of an entry that is not present: what Linux says with it.
    public var flags: [String] {
        guard value & 1 == 1 else {
            if value == 0 { return ["none"] }
            // _PAGE_PROTNONE is the bit that is G in a present entry.
            return value >> 8 & 1 == 1 ? ["not-present", "PROT_NONE"] : ["not-present", "swap"]
        }
        var flags = ["P", value >> 1 & 1 == 1 ? "RW" : "RO", value >> 2 & 1 == 1 ? "US" : "SV"]
        func add(_ bit: UInt64, _ name: String) { if value >> bit & 1 == 1 { flags.append(name) } }
        add(3, "PWT")
        add(4, "PCD")
        add(5, "A")
        if let pageSize {
            add(6, "D")
            if pageSize > 4096 { flags.append("PS") }
            add(pageSize > 4096 ? 12 : 7, "PAT")
            add(8, "G")
            add(9, "special")
            add(10, "uffd-wp")
            add(11, "soft-dirty")
            add(57, "devmap")
            let key = value >> 59 & 0xF
            if key != 0 { flags.append("PK\(key)") }
        }
        add(63, "XD")
        return flags
    }

    /// What a table shows of it.
    public static let columns = [
        ViewColumn("LEVEL", "level"), ViewColumn("INDEX", "index", isNumber: true), ViewColumn("AT", "at"),
        ViewColumn("ENTRY", "entry"), ViewColumn("TO", "to"), ViewColumn("PAGE", "pageSize", isNumber: true),
        ViewColumn("FLAGS", "flags"),
    ]
    /// The values, in the order of the columns.
    public var cells: [ViewValue] {
        [
            .text(name), .number(Int64(index)), .address(place), .address(value),
            target.map { .address($0) } ?? .none, pageSize.map { .size($0) } ?? .none,
            .list(flags.map { .text($0) }),
        ]
    }
    /// What makes it the same thing in a later look.
    public var identity: Int { level }
    /// What does not change as it is looked at.
    public var settled: UInt64 {
        // Accessed and dirty are set by the processor as it goes.
        value & ~0x60
    }
}
