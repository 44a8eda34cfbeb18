/// Where the kernel counts pages: `vm_zone_stat` and `vm_node_stat`, by the names of their enumerations.
///
/// What single processors counted and did not yet add is left out, as the kernel leaves it out of
/// /proc/meminfo.
struct PageCounters {
    private let zones: VirtualAddress?
    private let nodes: VirtualAddress?
    private let zoneItems: [String: Int]
    private let nodeItems: [String: Int]

    /// An enumeration has some dozen; an index beyond this is a mistake.
    private static let indices: ClosedRange<Int64> = 0...1023

    init(_ kernel: Kernel, _ types: TypeTable) {
        zones = kernel.symbols.address(of: "vm_zone_stat")
        nodes = kernel.symbols.address(of: "vm_node_stat")
        zoneItems = Self.items(of: "zone_stat_item", types)
        nodeItems = Self.items(of: "node_stat_item", types)
    }

    /// An enumeration's values by their names.
    static func items(of enumeration: String, _ types: TypeTable) -> [String: Int] {
        var items: [String: Int] = [:]
        for type in types.types(named: enumeration, kinds: [.enumeration, .enumeration64]) {
            for (name, value) in types.values(of: type) where indices.contains(value) {
                items[name] = Int(value)
            }
        }
        return items
    }

    /// Where a counter lies; nil if this kernel has none of that name. Several moved from the zones to the
    /// nodes in the course of time.
    func address(of item: String) -> VirtualAddress? {
        if let nodes, let index = nodeItems[item] { return nodes + index * 8 }
        if let zones, let index = zoneItems[item] { return zones + index * 8 }
        return nil
    }

    /// A counter that must be there.
    func required(_ item: String) throws(IntrospectionError) -> VirtualAddress {
        guard let address = address(of: item) else { throw .missing("page counter \(item)") }
        return address
    }
}

/// What a guest can use without swapping, as the kernel reckons it (mm/show_mem.c, `si_mem_available`). All
/// in pages.
struct AvailableMemory {
    var free: UInt64 = 0
    /// `totalreserve_pages`.
    var reserve: UInt64 = 0
    var activeFile: UInt64 = 0
    var inactiveFile: UInt64 = 0
    /// Reclaimable slabs and other memory of the kernel's that can be had back.
    var reclaimable: UInt64 = 0
    /// The low watermarks of all zones.
    var lowWatermarks: UInt64 = 0

    /// Free memory and half of the rest at least; what the watermarks keep back is left out. Never below 0.
    var pages: UInt64 {
        func usable(_ pages: UInt64) -> UInt64 { pages - min(pages / 2, lowWatermarks) }
        let cache = usable(activeFile &+ inactiveFile)
        let sum = free &+ cache &+ usable(reclaimable)
        return sum > reserve ? sum - reserve : 0
    }
}
