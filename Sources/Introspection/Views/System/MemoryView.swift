/// The guest's memory by its own account: one row, of the arithmetic of /proc/meminfo (fs/proc/meminfo.c).
public struct MemoryView {
    private let kernel: Kernel
    private let counters: PageCounters
    private let zones: MemoryZones
    private let pressure: PressureReader?
    private let total: VirtualAddress
    private let reserve: VirtualAddress
    private let swap: (total: VirtualAddress, free: VirtualAddress)?
    private let devices: BlockDevicePages?
    private let events: EventCounters

    private static let page: UInt64 = 4096

    /// - Throws: `missing` if this kernel does not count what a row cannot do without.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        let types = try kernel.types()
        counters = PageCounters(kernel, types)
        zones = try MemoryZones(kernel, types)
        pressure = PressureReader(kernel, types, GuestClock(kernel, types))
        total = try kernel.address(of: "_totalram_pages")
        reserve = try kernel.address(of: "totalreserve_pages")
        if let total = kernel.symbols.address(of: "total_swap_pages"),
            let free = kernel.symbols.address(of: "nr_swap_pages")
        {
            swap = (total, free)
        } else {
            swap = nil
        }
        devices = BlockDevicePages(kernel, types)
        events = EventCounters(kernel, types)
        for item in ["NR_FREE_PAGES", "NR_FILE_PAGES", "NR_ACTIVE_ANON", "NR_INACTIVE_ANON"] {
            _ = try counters.required(item)
        }
    }

    /// The row.
    public func read() throws(IntrospectionError) -> [MemoryRow] {
        [try reading { () throws(ReadError) in try row() }]
    }

    private func pages(_ item: String) throws(ReadError) -> UInt64? {
        guard let place = counters.address(of: item) else { return nil }
        return try kernel.counter(at: place)
    }

    private func bytes(_ item: String) throws(ReadError) -> UInt64? {
        try pages(item).map { $0 &* Self.page }
    }

    private func row() throws(ReadError) -> MemoryRow {
        var row = MemoryRow()
        row.total = try kernel.counter(at: total) &* Self.page
        row.free = try bytes("NR_FREE_PAGES") ?? 0
        row.activeAnonymous = try bytes("NR_ACTIVE_ANON") ?? 0
        row.inactiveAnonymous = try bytes("NR_INACTIVE_ANON") ?? 0
        row.activeFile = try bytes("NR_ACTIVE_FILE") ?? 0
        row.inactiveFile = try bytes("NR_INACTIVE_FILE") ?? 0
        row.unevictable = try bytes("NR_UNEVICTABLE")
        row.locked = try bytes("NR_MLOCK")
        row.dirty = try bytes("NR_FILE_DIRTY")
        row.writeback = try bytes("NR_WRITEBACK")
        row.anonymous = try bytes("NR_ANON_MAPPED")
        row.mapped = try bytes("NR_FILE_MAPPED")
        row.shared = try bytes("NR_SHMEM")
        row.slabReclaimable = try bytes("NR_SLAB_RECLAIMABLE_B") ?? 0
        row.slabUnreclaimable = try bytes("NR_SLAB_UNRECLAIMABLE_B") ?? 0
        row.kernelReclaimable = row.slabReclaimable &+ (try bytes("NR_KERNEL_MISC_RECLAIMABLE") ?? 0)
        row.kernelStacks = try pages("NR_KERNEL_STACK_KB").map { $0 &* 1024 }
        row.pageTables = try bytes("NR_PAGETABLE")
        // A chain of inodes that changes as it is followed must not cost all the rest.
        row.buffers = (try? devices?.read()).flatMap { $0 }.map { $0 &* Self.page }
        row.swapCached = try bytes("NR_SWAPCACHE")
        let files = try bytes("NR_FILE_PAGES") ?? 0
        let apart = (row.buffers ?? 0) &+ (row.swapCached ?? 0)
        row.cached = files > apart ? files - apart : 0
        if let swap {
            row.swapTotal = try kernel.counter(at: swap.total) &* Self.page
            row.swapFree = try kernel.counter(at: swap.free) &* Self.page
        }
        row.zones = try zones.read()
        row.available =
            AvailableMemory(
                free: row.free / Self.page, reserve: try kernel.counter(at: reserve),
                activeFile: row.activeFile / Self.page, inactiveFile: row.inactiveFile / Self.page,
                reclaimable: row.kernelReclaimable / Self.page,
                lowWatermarks: row.zones.reduce(0) { $0 &+ $1.lowWatermark }
            ).pages &* Self.page
        row.events = try eventCounts()
        row.pressure = try pressure?.read()
        return row
    }

    private func eventCounts() throws(ReadError) -> MemoryEvents {
        var counts = MemoryEvents()
        counts.refaultsAnonymous = try pages("WORKINGSET_REFAULT_ANON") ?? 0
        counts.refaultsFile = try pages("WORKINGSET_REFAULT_FILE") ?? 0
        counts.activationsAnonymous = try pages("WORKINGSET_ACTIVATE_ANON") ?? 0
        counts.activationsFile = try pages("WORKINGSET_ACTIVATE_FILE") ?? 0
        let reclaimers = ["KSWAPD", "DIRECT", "KHUGEPAGED", "PROACTIVE"]
        for reclaimer in reclaimers {
            counts.scanned &+= try count("PGSCAN_\(reclaimer)")
            counts.stolen &+= try count("PGSTEAL_\(reclaimer)")
        }
        counts.swappedIn = try count("PSWPIN")
        counts.swappedOut = try count("PSWPOUT")
        counts.faults = try count("PGFAULT")
        counts.majorFaults = try count("PGMAJFAULT")
        counts.outOfMemoryKills = try count("OOM_KILL")
        return counts
    }

    /// An event of all processors, or a page counter, which some events became.
    private func count(_ name: String) throws(ReadError) -> UInt64 {
        if let sum = try events.sum(of: name) { return sum }
        return try pages(name) ?? 0
    }
}

/// Events that each processor counts for itself: `vm_event_states`.
struct EventCounters {
    private let kernel: Kernel
    private let items: [String: Int]
    private let places: [VirtualAddress]

    init(_ kernel: Kernel, _ types: TypeTable) {
        self.kernel = kernel
        items = PageCounters.items(of: "vm_event_item", types)
        guard let variable = kernel.symbols.address(of: "vm_event_states"),
            let processors = try? kernel.possibleProcessors()
        else {
            places = []
            return
        }
        places = processors.compactMap { try? kernel.perCPU(variable, processor: $0) }
    }

    /// Nil if this kernel has no such event.
    func sum(of name: String) throws(ReadError) -> UInt64? {
        guard let index = items[name], !places.isEmpty else { return nil }
        var sum: UInt64 = 0
        for place in places { sum &+= try kernel.load(UInt64.self, at: place + index * 8) }
        return sum
    }
}

/// What the page cache holds of block devices themselves: `Buffers` (block/bdev.c, `nr_blockdev_pages`).
struct BlockDevicePages {
    private let kernel: Kernel
    private let superblock: VirtualAddress
    private let inodes: Field
    private let link: Field
    private let mapping: Field
    private let pages: Field

    /// Nil if this kernel has no block devices.
    init?(_ kernel: Kernel, _ types: TypeTable) {
        guard let superblock = kernel.symbols.address(of: "blockdev_superblock"),
            let inodes = types.field("s_inodes", of: "super_block"),
            let link = types.field("i_sb_list", of: "inode"),
            let mapping = types.field("i_mapping", of: "inode"),
            let pages = types.field("nrpages", of: "address_space")
        else { return nil }
        self.kernel = kernel
        self.superblock = superblock
        self.inodes = inodes
        self.link = link
        self.mapping = mapping
        self.pages = pages
    }

    func read() throws(ReadError) -> UInt64 {
        let superblock = try kernel.pointer(at: superblock)
        guard superblock.isKernel else { return 0 }
        var sum: UInt64 = 0
        try kernel.forEach(inListAt: superblock + inodes.offset, offset: link.offset) {
            (inode) throws(ReadError) in
            let mapping = try kernel.pointer(mapping, at: inode)
            sum &+= try kernel.counter(at: mapping + pages.offset)
            return true
        }
        return sum
    }
}
