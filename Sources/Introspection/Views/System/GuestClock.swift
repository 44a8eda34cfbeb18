/// The guest's clocks as its timekeeping last set them: a tick ago in a guest that works, some seconds in one
/// that sleeps.
struct GuestClock {
    /// What the time since the start was read from.
    enum Source: String, Sendable {
        case timekeeper
        case jiffies
    }

    private let kernel: Kernel
    private let keeper: (place: VirtualAddress, fields: Keeper)?
    private let ticks: (place: VirtualAddress, length: UInt64)?

    /// Members of `struct timekeeper`.
    private struct Keeper {
        let base: Field
        let fraction: Field
        let shift: Field
        let realOffset: Field
        let bootOffset: Field
    }

    init(_ kernel: Kernel, _ types: TypeTable) {
        self.kernel = kernel
        keeper = Self.keeper(kernel, types)
        ticks = Self.ticks(kernel, types)
    }

    private static func keeper(_ kernel: Kernel, _ types: TypeTable) -> (VirtualAddress, Keeper)? {
        // 6.17 keeps several in an array, of which the first is the system's own.
        guard
            let core = kernel.symbols.address(of: "tk_core")
                ?? kernel.symbols.address(of: "timekeeper_data"),
            let base = types.field("tkr_mono.base", of: "timekeeper"),
            let fraction = types.field("tkr_mono.xtime_nsec", of: "timekeeper"),
            let shift = types.field("tkr_mono.shift", of: "timekeeper"),
            let realOffset = types.field("offs_real", of: "timekeeper"),
            let bootOffset = types.field("offs_boot", of: "timekeeper")
        else { return nil }
        // Before 6.13 the structure has no name: a sequence counter, and the timekeeper at the next multiple
        // of eight.
        let offset =
            types.field("timekeeper", of: "tk_data")?.offset
            ?? ((types.structure(named: "seqcount_raw_spinlock")?.size ?? 4) + 7) / 8 * 8
        return (
            core + offset,
            Keeper(
                base: base, fraction: fraction, shift: shift, realOffset: realOffset, bootOffset: bootOffset)
        )
    }

    /// The jiffies clock source tells how long a tick is: CONFIG_HZ is nowhere else to be read.
    private static func ticks(_ kernel: Kernel, _ types: TypeTable) -> (VirtualAddress, UInt64)? {
        guard
            let place = kernel.symbols.address(of: "jiffies_64") ?? kernel.symbols.address(of: "jiffies"),
            let source = kernel.symbols.address(of: "clocksource_jiffies"),
            let factor = types.field("mult", of: "clocksource"),
            let shift = types.field("shift", of: "clocksource"),
            let multiplier = try? kernel.value(factor, at: source),
            let bits = try? kernel.value(shift, at: source), multiplier > 0, (0...31).contains(bits)
        else { return nil }
        return (place, UInt64(multiplier) >> UInt64(bits))
    }

    /// All that a look touches.
    var places: [VirtualAddress] {
        var places = ticks.map { [$0.place] } ?? []
        if let (place, fields) = keeper {
            places += [fields.base, fields.fraction, fields.shift, fields.realOffset, fields.bootOffset].map {
                place + $0.offset
            }
        }
        return places
    }

    /// Nanoseconds since the start, sleep included, and what they were read from; nil if it cannot be told.
    func uptime() throws(ReadError) -> (nanoseconds: UInt64, source: Source)? {
        if let keeper, let monotonic = try monotonic() {
            let offset = try kernel.value(keeper.fields.bootOffset, at: keeper.place)
            return (monotonic &+ UInt64(max(0, offset)), .timekeeper)
        }
        guard let ticks else { return nil }
        let now = try kernel.load(UInt64.self, at: ticks.place)
        // INITIAL_JIFFIES: five minutes before 32 bits overflow, so that overflow bugs show early.
        let first = UInt64(
            UInt32(truncatingIfNeeded: -300 * 1_000_000_000 / Int64(max(1, ticks.length))))
        let (product, overflow) = (now &- first).multipliedReportingOverflow(by: ticks.length)
        return overflow ? nil : (product, .jiffies)
    }

    /// CLOCK_MONOTONIC in nanoseconds; nil if what is read cannot be a timekeeper.
    func monotonic() throws(ReadError) -> UInt64? {
        guard let (place, fields) = keeper else { return nil }
        let shift = try kernel.value(fields.shift, at: place)
        let base = try kernel.value(fields.base, at: place)
        // A hundred years are a mistake.
        guard (0...32).contains(shift), (0...3_153_600_000_000_000_000).contains(base) else { return nil }
        let fraction = UInt64(bitPattern: try kernel.value(fields.fraction, at: place))
        return UInt64(base) &+ fraction >> UInt64(shift)
    }

    /// When the guest started by its own real-time clock, in nanoseconds since 1970 UTC; nil if it cannot be
    /// told.
    func bootTime() throws(ReadError) -> UInt64? {
        guard let (place, fields) = keeper, try monotonic() != nil else { return nil }
        let real = try kernel.value(fields.realOffset, at: place)
        let boot = try kernel.value(fields.bootOffset, at: place)
        let (difference, overflow) = real.subtractingReportingOverflow(boot)
        return overflow || difference <= 0 ? nil : UInt64(difference)
    }
}
