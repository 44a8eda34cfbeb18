/// A zone of the guest's memory, as /proc/buddyinfo and /proc/zoneinfo have it. All in pages.
public struct MemoryZone: Equatable, Sendable {
    /// Its node's number.
    public let node: Int
    /// Its name: `DMA`, `DMA32`, `Normal`, `Movable`.
    public let name: String
    /// What there is.
    public let present: UInt64
    /// What the page allocator has.
    public let managed: UInt64
    /// What is free.
    public let free: UInt64
    /// Below this only urgent needs are met.
    public let minimumWatermark: UInt64
    /// Below this reclaim begins.
    public let lowWatermark: UInt64
    /// At this reclaim ends.
    public let highWatermark: UInt64
    /// How many free blocks of 1, 2, 4, 8… pages there are.
    public let freeBlocks: [UInt64]
}

/// The zones of all nodes.
struct MemoryZones {
    private let kernel: Kernel
    /// Where the `struct zone` of every populated zone lies, with its node.
    let places: [(node: Int, zone: VirtualAddress)]
    private let name: Field
    private let present: Field
    private let managed: Field
    private let watermark: Field
    private let boost: Field?
    private let areas: (first: Int, count: Int, step: Int, free: Int)
    private let counters: Field
    private let freeIndex: Int

    /// MAX_NUMNODES is 1024 at most.
    private static let mostNodes: UInt32 = 1024

    init(_ kernel: Kernel, _ types: TypeTable) throws(IntrospectionError) {
        self.kernel = kernel
        name = try types.required("name", of: "zone")
        present = try types.required("present_pages", of: "zone")
        managed = try types.required("managed_pages", of: "zone")
        watermark = try types.required("_watermark", of: "zone")
        boost = types.field("watermark_boost", of: "zone")
        counters = try types.required("vm_stat", of: "zone")
        let area = try types.required("free_area", of: "zone")
        let free = try types.required("nr_free", of: "free_area")
        // MAX_ORDER is 11 without configuration, and never near 64.
        guard let count = types.elements(of: area.type)?.count, (1...64).contains(count) else {
            throw .missing("array zone.free_area")
        }
        areas = (area.offset, count, try types.requiredSize(of: "free_area"), free.offset)
        guard let index = types.enumerator("NR_FREE_PAGES", of: "zone_stat_item"), (0..<64).contains(index)
        else { throw .missing("page counter NR_FREE_PAGES") }
        freeIndex = Int(index)
        places = try Self.places(kernel, types, present: present)
    }

    /// One node without CONFIG_NUMA, else a table of pointers.
    private static func places(
        _ kernel: Kernel, _ types: TypeTable, present: Field
    ) throws(IntrospectionError) -> [(node: Int, zone: VirtualAddress)] {
        let zones = try types.required("node_zones", of: "pglist_data")
        let size = try types.requiredSize(of: "zone")
        guard let count = types.elements(of: zones.type)?.count, (1...16).contains(count) else {
            throw .missing("array pglist_data.node_zones")
        }
        return try reading { () throws(ReadError) in
            var nodes: [(Int, VirtualAddress)] = []
            if let only = kernel.symbols.address(of: "contig_page_data") {
                nodes = [(0, only)]
            } else if let table = kernel.symbols.address(of: "node_data") {
                let most =
                    try kernel.symbols.address(of: "nr_node_ids").map { (place) throws(ReadError) in
                        try kernel.load(UInt32.self, at: place)
                    } ?? 1
                for number in 0..<Int(min(most, mostNodes)) {
                    let node = try kernel.pointer(at: table + number * 8)
                    if node.isKernel { nodes.append((number, node)) }
                }
            }
            var places: [(node: Int, zone: VirtualAddress)] = []
            for (number, node) in nodes {
                for index in 0..<count {
                    let zone = node + zones.offset + index * size
                    if try kernel.value(present, at: zone) > 0 { places.append((number, zone)) }
                }
            }
            return places
        }
    }

    func read() throws(ReadError) -> [MemoryZone] {
        var zones: [MemoryZone] = []
        for (node, zone) in places {
            var blocks: [UInt64] = []
            for order in 0..<areas.count {
                blocks.append(try kernel.counter(at: zone + areas.first + order * areas.step + areas.free))
            }
            let boost =
                try boost.map { (field) throws(ReadError) in
                    try kernel.counter(at: zone + field.offset)
                } ?? 0
            // WMARK_MIN, WMARK_LOW, WMARK_HIGH; each is raised while memory is fragmented.
            func mark(_ index: Int) throws(ReadError) -> UInt64 {
                try kernel.counter(at: zone + watermark.offset + index * 8) &+ boost
            }
            zones.append(
                MemoryZone(
                    node: node, name: try kernel.text(at: kernel.pointer(name, at: zone), limit: 32),
                    present: try kernel.counter(at: zone + present.offset),
                    managed: try kernel.counter(at: zone + managed.offset),
                    free: try kernel.counter(at: zone + counters.offset + freeIndex * 8),
                    minimumWatermark: try mark(0), lowWatermark: try mark(1), highWatermark: try mark(2),
                    freeBlocks: blocks))
        }
        return zones
    }

    /// Where the numbers lie whose sum is all zones' low watermarks.
    var lowWatermarkPlaces: [VirtualAddress] {
        places.flatMap { (_, zone) in
            [zone + watermark.offset + 8] + (boost.map { [zone + $0.offset] } ?? [])
        }
    }
}
