internal import GuestMemory

/// What a manager of many guests wants to know of each, every second.
public struct GuestTruth: Equatable, Sendable {
    /// All memory the guest manages, in bytes.
    public var totalBytes: UInt64 = 0
    /// What it does not use at all.
    public var freeBytes: UInt64 = 0
    /// What it could use without swapping, by its own reckoning.
    public var availableBytes: UInt64 = 0
    /// Swap space in use, in bytes.
    public var swapUsedBytes: UInt64 = 0
    /// Pages thrown out and soon wanted again, since the start, of all kinds: the sign of too little memory.
    public var refaults: UInt64 = 0
    /// Nil if the guest keeps no such account.
    public var pressure: GuestPressure?
    /// Tasks that run or could run, on all processors.
    public var runnableTasks: UInt64 = 0
    /// The guest's clock at the time, in nanoseconds since its start: figures of a guest that sleeps are as
    /// old as this. Nil if it cannot be told.
    public var clock: UInt64?
}

/// Reads `GuestTruth`: all pages in one go, and nothing but numbers at places that are known beforehand.
///
/// It has to be made anew when the guest starts anew, or gets more processors than it could have.
public struct GuestTruthReader {
    private let kernel: Kernel
    private let clock: GuestClock
    private let pressure: PressureReader?
    private let total: VirtualAddress
    private let free: VirtualAddress
    private let reserve: VirtualAddress
    private let activeFile: VirtualAddress
    private let inactiveFile: VirtualAddress
    private let reclaimable: [VirtualAddress]
    private let refaults: [VirtualAddress]
    private let watermarks: [VirtualAddress]
    private let swap: (total: VirtualAddress, free: VirtualAddress)?
    private let runQueues: [VirtualAddress]
    /// The numbers of all pages that are read.
    public let pages: [UInt64]

    /// Finds all places; this may read a good deal.
    ///
    /// - Throws: `missing` if this kernel does not count pages.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        let types = try kernel.types()
        let counters = PageCounters(kernel, types)
        let zones = try MemoryZones(kernel, types)
        clock = GuestClock(kernel, types)
        pressure = PressureReader(kernel, types, clock)
        total = try kernel.address(of: "_totalram_pages")
        reserve = try kernel.address(of: "totalreserve_pages")
        free = try counters.required("NR_FREE_PAGES")
        activeFile = try counters.required("NR_ACTIVE_FILE")
        inactiveFile = try counters.required("NR_INACTIVE_FILE")
        reclaimable = ["NR_SLAB_RECLAIMABLE_B", "NR_KERNEL_MISC_RECLAIMABLE"].compactMap {
            counters.address(of: $0)
        }
        refaults = ["WORKINGSET_REFAULT_ANON", "WORKINGSET_REFAULT_FILE"].compactMap {
            counters.address(of: $0)
        }
        watermarks = zones.lowWatermarkPlaces
        if let total = kernel.symbols.address(of: "total_swap_pages"),
            let free = kernel.symbols.address(of: "nr_swap_pages")
        {
            swap = (total, free)
        } else {
            swap = nil
        }
        runQueues = try Self.runQueues(kernel, types)
        var places = [total, reserve, free, activeFile, inactiveFile] + reclaimable + refaults + watermarks
        places += runQueues + (pressure?.places ?? []) + clock.places
        if let swap { places += [swap.total, swap.free] }
        var numbers: Set<UInt64> = []
        for place in places {
            if let page = try? kernel.physical(of: place).rawValue >> 12 { numbers.insert(page) }
        }
        pages = numbers.sorted()
    }

    /// Where `rq.nr_running` of every possible processor lies.
    private static func runQueues(
        _ kernel: Kernel, _ types: TypeTable
    ) throws(IntrospectionError) -> [VirtualAddress] {
        guard let variable = kernel.symbols.address(of: "runqueues"),
            let running = types.field("nr_running", of: "rq"), running.size == 4
        else { return [] }
        var places: [VirtualAddress] = []
        for processor in try kernel.possibleProcessors() {
            places.append(try kernel.perCPU(variable, processor: processor) + running.offset)
        }
        return places
    }

    /// Forgets what was read before, fetches the pages and reads.
    ///
    /// - Throws: `read` if the machine ended or its memory cannot be true.
    public func read() throws(IntrospectionError) -> GuestTruth {
        try reading { () throws(ReadError) in
            kernel.refresh()
            try kernel.image.prefetch(pages: pages)
            return try truth()
        }
    }

    private func truth() throws(ReadError) -> GuestTruth {
        let page: UInt64 = 4096
        var truth = GuestTruth()
        let free = try kernel.counter(at: free)
        truth.totalBytes = try kernel.counter(at: total) &* page
        truth.freeBytes = free &* page
        truth.availableBytes =
            AvailableMemory(
                free: free, reserve: try kernel.counter(at: reserve),
                activeFile: try kernel.counter(at: activeFile),
                inactiveFile: try kernel.counter(at: inactiveFile), reclaimable: try sum(reclaimable),
                lowWatermarks: try sum(watermarks)
            ).pages &* page
        truth.refaults = try sum(refaults)
        if let swap {
            let total = try kernel.counter(at: swap.total)
            let free = try kernel.counter(at: swap.free)
            truth.swapUsedBytes = total > free ? (total - free) &* page : 0
        }
        for place in runQueues { truth.runnableTasks &+= UInt64(try kernel.load(UInt32.self, at: place)) }
        truth.pressure = try pressure?.read()
        truth.clock = try clock.uptime()?.nanoseconds
        return truth
    }

    private func sum(_ places: [VirtualAddress]) throws(ReadError) -> UInt64 {
        var sum: UInt64 = 0
        for place in places { sum &+= try kernel.counter(at: place) }
        return sum
    }
}
