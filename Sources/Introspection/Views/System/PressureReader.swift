/// How much of the time tasks waited for one resource, by the guest's own account (Linux,
/// Documentation/accounting/psi.rst).
public struct PressureStall: Equatable, Sendable {
    /// Percent of the last 10 seconds.
    public var average10: Double = 0
    /// Percent of the last minute.
    public var average60: Double = 0
    /// Percent of the last five minutes.
    public var average300: Double = 0
    /// Nanoseconds since the start.
    public var total: UInt64 = 0
}

/// `some`: at least one task waited. `full`: all did, and nothing got done.
public struct Pressure: Equatable, Sendable {
    /// At least one task waited.
    public var some = PressureStall()
    /// All tasks waited; always 0 for processors, as the kernel tells it of a whole machine.
    public var full = PressureStall()
}

/// The guest's pressure on all three resources.
public struct GuestPressure: Equatable, Sendable {
    /// Waits for memory: refaults, reclaim, swapping.
    public var memory = Pressure()
    /// Waits for disks.
    public var io = Pressure()
    /// Waits for a processor.
    public var cpu = Pressure()
}

/// Reads `psi_system`.
struct PressureReader {
    private let kernel: Kernel
    private let clock: GuestClock
    /// Where the averages, the totals and the time of the next average lie.
    private let averages: VirtualAddress
    private let totals: VirtualAddress
    private let nextUpdate: VirtualAddress
    private let states: [Int]

    /// The guest averages every two seconds while something waits (kernel/sched/psi.c, PSI_FREQ).
    private static let period: UInt64 = 2_000_000_000 + 1_000_000
    /// What remains of an average after a period in which nothing waited: EXP_10s, EXP_60s, EXP_300s of 2048.
    private static let decays: [UInt64] = [1677, 1981, 2034]
    /// FIXED_1 of the kernel's load averages: 11 bits of fraction.
    private static let one: UInt64 = 2048

    /// Nil if this kernel keeps no such account.
    init?(_ kernel: Kernel, _ types: TypeTable, _ clock: GuestClock) {
        guard let group = kernel.symbols.address(of: "psi_system"),
            let average = types.field("avg", of: "psi_group"), average.size >= 5 * 3 * 8,
            let total = types.field("total", of: "psi_group"), total.size >= 5 * 8,
            let next = types.field("avg_next_update", of: "psi_group"),
            // It is nothing but zeros when it is turned off.
            Self.isOn(kernel)
        else { return nil }
        self.kernel = kernel
        self.clock = clock
        averages = group + average.offset
        totals = group + total.offset
        nextUpdate = group + next.offset
        let names = PageCounters.items(of: "psi_states", types)
        let most = min(average.size / 24, total.size / 8)
        states = ["PSI_MEM_SOME", "PSI_MEM_FULL", "PSI_IO_SOME", "PSI_IO_FULL", "PSI_CPU_SOME"]
            .map { names[$0].flatMap { $0 < most ? $0 : nil } ?? -1 }
    }

    /// `psi_enable` is what `psi=` on the command line left.
    private static func isOn(_ kernel: Kernel) -> Bool {
        guard let place = kernel.symbols.address(of: "psi_enable") else { return true }
        return (try? kernel.load(UInt8.self, at: place)) != 0
    }

    /// All addresses that `read` touches, but for the clock's.
    var places: [VirtualAddress] { [averages, averages + 17 * 8, totals, totals + 5 * 8, nextUpdate] }

    func read() throws(ReadError) -> GuestPressure {
        var missed: UInt64 = 0
        let next = try kernel.counter(at: nextUpdate)
        if let now = try clock.monotonic(), now > next { missed = (now - next) / Self.period }
        var pressure = GuestPressure()
        pressure.memory = Pressure(some: try stall(0, missed), full: try stall(1, missed))
        pressure.io = Pressure(some: try stall(2, missed), full: try stall(3, missed))
        // The kernel says 0 for `full` of the whole machine: it cannot be that no task runs for want of one.
        pressure.cpu = Pressure(some: try stall(4, missed))
        return pressure
    }

    private func stall(_ index: Int, _ missed: UInt64) throws(ReadError) -> PressureStall {
        let state = states[index]
        guard state >= 0 else { return PressureStall() }
        func average(_ window: Int) throws(ReadError) -> Double {
            let value = try kernel.counter(at: averages + (state * 3 + window) * 8)
            // More than 100 percent cannot be.
            let decayed = Self.decayed(min(value, 100 * Self.one), by: Self.decays[window], times: missed)
            return Double(decayed) / Double(Self.one)
        }
        return PressureStall(
            average10: try average(0), average60: try average(1), average300: try average(2),
            total: try kernel.counter(at: totals + state * 8))
    }

    /// A guest in which nothing waits does not average: whoever reads later makes up for the periods that
    /// were left out, as the guest itself would.
    static func decayed(_ value: UInt64, by factor: UInt64, times: UInt64) -> UInt64 {
        var result = one
        var power = factor
        var left = min(times, 4096)
        while left > 0 {
            if left & 1 == 1 { result = (result * power + one / 2) / one }
            power = (power * power + one / 2) / one
            left >>= 1
        }
        return value * result / one
    }
}
