extension GuestReport {
    /// What nothing moves in a guest at rest.
    private static let fixed: Set<String> = [
        "MemTotal", "Buffers", "SwapCached", "Unevictable", "Mlocked", "SwapTotal", "SwapFree", "Dirty",
        "Writeback",
    ]

    /// How far the others may be: what a shell, its command's end and the kernel's own work move meanwhile. In bytes.
    private static let bounds: [String: Int64] = ["MemFree": 4 << 20, "MemAvailable": 4 << 20]
    private static let usualBound: Int64 = 1 << 20

    /// The `mem` view with /proc/meminfo, which was read somewhat before.
    public func compareMemory(_ rows: [ViewCells]) throws -> [String] {
        guard rows.count == 1, let row = rows.first else { return ["\(rows.count) rows"] }
        var told: [String: Int64] = [:]
        for line in try section("mem") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            if words.count > 1, let kilobytes = Int64(words[1]) { told[String(words[0])] = kilobytes << 10 }
        }
        var differences: [String] = []
        for (name, key) in Self.amounts {
            guard let bytes = told[name] else { continue }
            let bound = Self.fixed.contains(name) ? 0 : Self.bounds[name] ?? Self.usualBound
            guard let seen = row[key]?.number, abs(seen - bytes) <= bound else {
                differences.append(
                    "\(name): seen \(row.text(key)), told \(bytes), which may differ by \(bound)")
                continue
            }
        }
        if Self.amounts.count(where: { told[$0.name] != nil }) < 20 {
            differences.append("the guest told only \(told)")
        }
        return differences
    }

    /// The names of /proc/meminfo and the view's keys for them.
    private static let amounts: [(name: String, key: String)] = [
        ("MemTotal", "total"), ("MemFree", "free"), ("MemAvailable", "available"), ("Buffers", "buffers"),
        ("Cached", "cached"), ("SwapCached", "swapCached"), ("Active", "active"), ("Inactive", "inactive"),
        ("Active(anon)", "activeAnonymous"), ("Inactive(anon)", "inactiveAnonymous"),
        ("Active(file)", "activeFile"), ("Inactive(file)", "inactiveFile"), ("Unevictable", "unevictable"),
        ("Mlocked", "locked"), ("SwapTotal", "swapTotal"), ("SwapFree", "swapFree"), ("Dirty", "dirty"),
        ("Writeback", "writeback"), ("AnonPages", "anonymous"), ("Mapped", "mapped"), ("Shmem", "shared"),
        ("KReclaimable", "kernelReclaimable"), ("Slab", "slab"), ("SReclaimable", "slabReclaimable"),
        ("SUnreclaim", "slabUnreclaimable"), ("KernelStack", "kernelStacks"), ("PageTables", "pageTables"),
    ]
}
