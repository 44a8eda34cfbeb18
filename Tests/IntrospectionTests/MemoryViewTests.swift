@testable import Introspection
import Testing

@Suite("Memory") struct MemoryViewTests {
    /// A guest with one zone, two processors and Linux's counters at places of the test's own.
    private func guest(hasPressure: Bool = true) throws -> FakeGuest {
        var types = BTFImage()
        let half = types.integer("u32", size: 4)
        let word = types.integer("u64", size: 8)
        let signed = types.integer("s64", size: 8, isSigned: true)
        let byte = types.integer("u8", size: 1)
        let pointer = types.pointer()
        types.enumeration(
            "zone_stat_item", [("NR_FREE_PAGES", 0), ("NR_MLOCK", 1), ("NR_PAGETABLE", 2)])
        types.enumeration(
            "node_stat_item",
            [
                "NR_INACTIVE_ANON", "NR_ACTIVE_ANON", "NR_INACTIVE_FILE", "NR_ACTIVE_FILE",
                "NR_SLAB_RECLAIMABLE_B", "NR_SLAB_UNRECLAIMABLE_B", "NR_FILE_PAGES", "NR_SWAPCACHE",
                "WORKINGSET_REFAULT_ANON", "WORKINGSET_REFAULT_FILE", "NR_KERNEL_MISC_RECLAIMABLE",
                "NR_KERNEL_STACK_KB",
            ].enumerated().map { ($1, $0) })
        types.enumeration("vm_event_item", [("PGFAULT", 0), ("PGSCAN_KSWAPD", 1), ("PGSCAN_DIRECT", 2)])
        types.enumeration(
            "psi_states",
            ["PSI_IO_SOME", "PSI_IO_FULL", "PSI_MEM_SOME", "PSI_MEM_FULL", "PSI_CPU_SOME"].enumerated()
                .map { ($1, $0) })
        let three = types.array(of: word, count: 3)
        let area = types.structure("free_area", size: 24, [("nr_free", word, 16)])
        let areas = types.array(of: area, count: 2)
        types.structure(
            "zone", size: 256,
            [
                ("_watermark", three, 0), ("watermark_boost", word, 24), ("name", pointer, 32),
                ("present_pages", word, 40), ("managed_pages", word, 48), ("free_area", areas, 56),
                ("vm_stat", three, 104),
            ])
        let zones = types.array(of: types.count, count: 2)
        types.structure("pglist_data", size: 512, [("node_zones", zones, 0)])
        types.structure("rq", size: 64, [("nr_running", half, 4)])
        let base = types.structure(
            "tk_read_base", size: 32,
            [("shift", half, 0), ("xtime_nsec", word, 8), ("base", signed, 16)])
        types.structure(
            "timekeeper", size: 64,
            [("tkr_mono", base, 0), ("offs_real", signed, 32), ("offs_boot", signed, 40)])
        let averages = types.array(of: three, count: 5)
        let totals = types.array(of: word, count: 10)
        types.structure(
            "psi_group", size: 256,
            [("avg", averages, 0), ("total", totals, 120), ("avg_next_update", word, 200)])
        _ = byte
        var symbols = [
            "vm_zone_stat": 0x1000, "vm_node_stat": 0x1100, "_totalram_pages": 0x1200,
            "totalreserve_pages": 0x1208, "total_swap_pages": 0x1210, "nr_swap_pages": 0x1218,
            "contig_page_data": 0x2000, "nr_cpu_ids": 0x1220, "__per_cpu_offset": 0x1228,
            "runqueues": 0x3000, "vm_event_states": 0x3100, "tk_core": 0x1300,
        ]
        if hasPressure { symbols["psi_system"] = 0x4000 }
        let guest = try FakeGuest(symbols: symbols, types: types)
        func set(_ offset: Int, _ values: [UInt64]) {
            for (index, value) in values.enumerated() {
                guest.store(value, at: guest.image(offset + 8 * index))
            }
        }
        set(0x1000, [1000, 5, 60])
        set(0x1100, [10, 20, 300, 400, 200, 80, 900, 50, 7, 9, 20, 64])
        set(0x1200, [5000, 100, 800, 600, 2, 0, 0x1000])
        // Watermarks 20, 30, 40 and a boost of 5; two orders of free blocks.
        set(0x2000, [20, 30, 40, 5, FakeGuest.imageStart.rawValue + 0x1400, 6000, 5000])
        set(0x2000 + 56, [0, 0, 400, 0, 0, 300])
        set(0x2000 + 104, [1000])
        guest.store("DMA32", at: guest.image(0x1400))
        set(0x3000, [3 << 32])
        set(0x4000, [2 << 32])
        set(0x3100, [11, 100, 10])
        set(0x4100, [22, 200, 1])
        // 100 s and half a second, begun at 1.7e9 s.
        set(0x1308, [4, 500_000_000 << 4, 100_000_000_000, 0, 1_700_000_000_000_000_000, 0])
        return guest
    }

    @Test("The arithmetic of /proc/meminfo") func meminfo() throws {
        let row = try #require(MemoryView(guest(hasPressure: false).kernel).read().first)
        let amounts = Dictionary(
            uniqueKeysWithValues: row.amounts.map { ($0.name, $0.bytes.map { $0 / 1024 }) })
        #expect(amounts["MemTotal"] == 20_000)
        #expect(amounts["MemFree"] == 4000)
        // 1000 - 100 + (700 - 35) + (220 - 35) pages.
        #expect(amounts["MemAvailable"] == 1750 * 4)
        #expect(amounts["Cached"] == 850 * 4)
        #expect(amounts["Active"] == 420 * 4)
        #expect(amounts["Slab"] == 280 * 4)
        #expect(amounts["KReclaimable"] == 220 * 4)
        #expect(amounts["PageTables"] == 60 * 4)
        #expect(amounts["KernelStack"] == 64)
        #expect(amounts["SwapFree"] == 2400)
        #expect(amounts["Dirty"] == .some(nil))
        #expect(row.events.scanned == 311 && row.events.faults == 33 && row.events.refaultsFile == 9)
        #expect(row.zones.map(\.name) == ["DMA32"])
        #expect(row.zones.first?.lowWatermark == 35)
        #expect(row.zones.first?.freeBlocks == [400, 300])
        #expect(row.pressure == nil)
        #expect(MemoryRow.columns.count == row.cells.count)
    }

    @Test("What a manager asks, from the same numbers and few pages") func truth() throws {
        let guest = try guest(hasPressure: false)
        let reader = try GuestTruthReader(guest.kernel)
        var truth = try reader.read()
        #expect(truth.totalBytes == 5000 * 4096 && truth.freeBytes == 1000 * 4096)
        #expect(truth.availableBytes == 1750 * 4096)
        #expect(truth.swapUsedBytes == 200 * 4096)
        #expect(truth.refaults == 16)
        #expect(truth.runnableTasks == 5)
        #expect(truth.clock == 100_500_000_000)
        #expect(truth.pressure == nil)
        // Nothing is read but what was fetched beforehand.
        #expect(guest.kernel.image.copiedPages == reader.pages.count)
        // Each reading sees the guest as it is then; what is negative for a moment is 0.
        guest.store(UInt64(bitPattern: -3), at: guest.image(0x1000))
        guest.store(1, at: guest.image(0x3004), size: 4)
        truth = try reader.read()
        #expect(truth.freeBytes == 0 && truth.runnableTasks == 3)
    }

    @Test("Pressure in percent, and less of it the longer nothing waited") func pressure() throws {
        // The per-CPU areas of this guest lie where its pressure would.
        let guest = try guest(hasPressure: true)
        func set(_ offset: Int, _ value: UInt64) { guest.store(value, at: guest.image(0x4000 + offset)) }
        for offset in stride(from: 0, to: 208, by: 8) { set(offset, 0) }
        set(2 * 24, 50 * 2048 + 1024)
        set(2 * 24 + 8, 2048)
        set(120 + 2 * 8, 777)
        set(200, 101_000_000_000)
        let reader = try GuestTruthReader(guest.kernel)
        var pressure = try #require(reader.read().pressure)
        #expect(pressure.memory.some.average10 == 50.5)
        #expect(pressure.memory.some.average60 == 1)
        #expect(pressure.memory.some.total == 777)
        #expect(pressure.memory.full == PressureStall() && pressure.io == Pressure())
        // Ten seconds later e is what it has become less by, as near as eleven bits have it.
        guest.store(111_000_000_000, at: guest.image(0x1308 + 16))
        pressure = try #require(reader.read().pressure)
        #expect(pressure.memory.some.average10 > 18 && pressure.memory.some.average10 < 23)
        guest.store(9_111_000_000_000, at: guest.image(0x1308 + 16))
        pressure = try #require(reader.read().pressure)
        #expect(pressure.memory.some.average10 == 0)
        #expect(pressure.memory.some.total == 777)
    }

    @Test("What is available is never less than nothing") func available() {
        #expect(AvailableMemory(free: 10, reserve: 20).pages == 0)
        #expect(AvailableMemory(free: 100, reserve: 20, activeFile: 40, lowWatermarks: 30).pages == 100)
        #expect(AvailableMemory(free: 100, reclaimable: 80, lowWatermarks: 10).pages == 170)
    }

    @Test("A guest that counts other things says what is missing") func missing() throws {
        var types = BTFImage()
        types.enumeration("node_stat_item", [("OTHER", 0)])
        let guest = try FakeGuest(symbols: ["vm_node_stat": 0], types: types)
        #expect(throws: IntrospectionError.missing("member zone.name")) { try MemoryView(guest.kernel) }
    }
}
