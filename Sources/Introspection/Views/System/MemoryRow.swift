/// The guest's memory by its own account: what /proc/meminfo tells and more. Bytes; nil where this kernel
/// does not count.
public struct MemoryRow: ViewRow {
    /// All that the kernel manages.
    public var total: UInt64 = 0
    /// What nothing uses.
    public var free: UInt64 = 0
    /// What programs could get without swapping, by the kernel's own reckoning.
    public var available: UInt64 = 0
    /// The page cache of block devices themselves.
    public var buffers: UInt64?
    /// The page cache of files.
    public var cached: UInt64 = 0
    /// What lies in swap and in memory too.
    public var swapCached: UInt64?
    /// Programs' own memory that is in use.
    public var activeAnonymous: UInt64 = 0
    /// Programs' own memory that could be swapped out.
    public var inactiveAnonymous: UInt64 = 0
    /// The page cache that is in use.
    public var activeFile: UInt64 = 0
    /// The page cache that could be thrown out.
    public var inactiveFile: UInt64 = 0
    /// What cannot be reclaimed.
    public var unevictable: UInt64?
    /// What programs locked with mlock(2).
    public var locked: UInt64?
    /// All swap space.
    public var swapTotal: UInt64?
    /// Swap space that is not used.
    public var swapFree: UInt64?
    /// What is to be written to disks.
    public var dirty: UInt64?
    /// What is being written to disks.
    public var writeback: UInt64?
    /// Programs' own memory that is mapped.
    public var anonymous: UInt64?
    /// Files that are mapped.
    public var mapped: UInt64?
    /// Shared memory and tmpfs.
    public var shared: UInt64?
    /// Kernel objects that can be given back.
    public var slabReclaimable: UInt64 = 0
    /// Kernel objects that cannot.
    public var slabUnreclaimable: UInt64 = 0
    /// Slabs and what else the kernel can give back.
    public var kernelReclaimable: UInt64 = 0
    /// Stacks of the tasks in the kernel.
    public var kernelStacks: UInt64?
    /// Page tables of the programs.
    public var pageTables: UInt64?
    /// What happened since the start.
    public var events = MemoryEvents()
    /// Nil if the guest keeps no such account.
    public var pressure: GuestPressure?
    /// The zones and their free blocks.
    public var zones: [MemoryZone] = []

    /// All slabs.
    public var slab: UInt64 { slabReclaimable &+ slabUnreclaimable }
    /// Both lists that are in use.
    public var active: UInt64 { activeAnonymous &+ activeFile }
    /// Both lists that are not.
    public var inactive: UInt64 { inactiveAnonymous &+ inactiveFile }

    /// The amounts under the names and in the order of /proc/meminfo.
    public var amounts: [(name: String, key: String, bytes: UInt64?)] {
        [
            ("MemTotal", "total", total), ("MemFree", "free", free), ("MemAvailable", "available", available),
            ("Buffers", "buffers", buffers), ("Cached", "cached", cached),
            ("SwapCached", "swapCached", swapCached), ("Active", "active", active),
            ("Inactive", "inactive", inactive), ("Active(anon)", "activeAnonymous", activeAnonymous),
            ("Inactive(anon)", "inactiveAnonymous", inactiveAnonymous),
            ("Active(file)", "activeFile", activeFile), ("Inactive(file)", "inactiveFile", inactiveFile),
            ("Unevictable", "unevictable", unevictable), ("Mlocked", "locked", locked),
            ("SwapTotal", "swapTotal", swapTotal), ("SwapFree", "swapFree", swapFree),
            ("Dirty", "dirty", dirty), ("Writeback", "writeback", writeback),
            ("AnonPages", "anonymous", anonymous), ("Mapped", "mapped", mapped), ("Shmem", "shared", shared),
            ("KReclaimable", "kernelReclaimable", kernelReclaimable), ("Slab", "slab", slab),
            ("SReclaimable", "slabReclaimable", slabReclaimable),
            ("SUnreclaim", "slabUnreclaimable", slabUnreclaimable),
            ("KernelStack", "kernelStacks", kernelStacks), ("PageTables", "pageTables", pageTables),
        ]
    }

    /// The columns, in the order of `cells`.
    public static var columns: [ViewColumn] {
        MemoryRow().amounts.map { ViewColumn($0.name, $0.key, isNumber: true) } + [
            ViewColumn("", "events"), ViewColumn("", "pressure"), ViewColumn("", "zones"),
        ]
    }

    /// The values.
    public var cells: [ViewValue] {
        amounts.map { amount in amount.bytes.map { .size($0) } ?? .none } + [
            events.cell, pressure.map { $0.cell } ?? .none, .list(zones.map(\.cell)),
        ]
    }

    /// There is one.
    public var identity: Int { 0 }
    /// What a second look must find again.
    public var settled: UInt64 { total }
}

/// What the guest's memory management did since the start: counts of pages, or of times.
public struct MemoryEvents: Equatable, Sendable {
    /// Pages of programs' own memory that were thrown out and soon wanted again.
    public var refaultsAnonymous: UInt64 = 0
    /// Likewise pages of files.
    public var refaultsFile: UInt64 = 0
    /// Those of them that were found to be in constant use, of programs' own memory.
    public var activationsAnonymous: UInt64 = 0
    /// Likewise of files.
    public var activationsFile: UInt64 = 0
    /// Pages that reclaim looked at.
    public var scanned: UInt64 = 0
    /// Pages that reclaim took.
    public var stolen: UInt64 = 0
    /// Pages read from swap.
    public var swappedIn: UInt64 = 0
    /// Pages written to swap.
    public var swappedOut: UInt64 = 0
    /// All page faults.
    public var faults: UInt64 = 0
    /// Page faults that had to wait for a disk.
    public var majorFaults: UInt64 = 0
    /// How often the guest killed a process for want of memory.
    public var outOfMemoryKills: UInt64 = 0

    var cell: ViewValue {
        func field(_ name: String, _ value: UInt64) -> ViewField {
            ViewField(name, .number(Int64(clamping: value)))
        }
        return .record([
            field("refaultsAnonymous", refaultsAnonymous), field("refaultsFile", refaultsFile),
            field("activationsAnonymous", activationsAnonymous), field("activationsFile", activationsFile),
            field("scanned", scanned), field("stolen", stolen), field("swappedIn", swappedIn),
            field("swappedOut", swappedOut), field("faults", faults), field("majorFaults", majorFaults),
            field("outOfMemoryKills", outOfMemoryKills),
        ])
    }
}

extension GuestPressure {
    /// Averages in hundredths of a percent: cells have no fractions.
    var cell: ViewValue {
        func stall(_ stall: PressureStall) -> ViewValue {
            func hundredths(_ percent: Double) -> ViewValue { .number(Int64((percent * 100).rounded(.down))) }
            return .record([
                ViewField("average10", hundredths(stall.average10)),
                ViewField("average60", hundredths(stall.average60)),
                ViewField("average300", hundredths(stall.average300)),
                ViewField("total", .duration(stall.total)),
            ])
        }
        func both(_ name: String, _ pressure: Pressure) -> ViewField {
            ViewField(
                name,
                .record([
                    ViewField("some", stall(pressure.some)), ViewField("full", stall(pressure.full)),
                ]))
        }
        return .record([both("memory", memory), both("io", io), both("cpu", cpu)])
    }
}

extension MemoryZone {
    var cell: ViewValue {
        func pages(_ name: String, _ value: UInt64) -> ViewField {
            ViewField(name, .number(Int64(clamping: value)))
        }
        return .record([
            ViewField("node", .number(Int64(node))), ViewField("name", .text(name)),
            pages("presentPages", present), pages("managedPages", managed), pages("freePages", free),
            pages("minimumWatermark", minimumWatermark), pages("lowWatermark", lowWatermark),
            pages("highWatermark", highWatermark),
            ViewField("freeBlocks", .list(freeBlocks.map { .number(Int64(clamping: $0)) })),
        ])
    }
}
