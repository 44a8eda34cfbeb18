public import HostSystem

/// A device's lines in the log, so few a minute that no guest can flood it.
public final class DeviceLog: Sendable {
    /// How many lines come at once before the rest is only counted.
    public static let burst = 5
    /// After how many nanoseconds another line is allowed.
    public static let interval: UInt64 = 10_000_000_000

    private struct Budget {
        var lines = DeviceLog.burst
        var refilled: UInt64 = 0
        var suppressed = 0
    }

    private let name: String
    private let write: @Sendable (String) -> Void
    private let now: @Sendable () -> UInt64
    private let budget = Guarded(Budget())

    /// - Parameters:
    ///   - name: the device's, for the line's start.
    ///   - now: a clock in nanoseconds.
    ///   - write: where a line goes; from any thread.
    public init(
        _ name: String, now: @escaping @Sendable () -> UInt64 = { HostClock.monotonicNanoseconds() },
        write: @escaping @Sendable (String) -> Void
    ) {
        self.name = name
        self.now = now
        self.write = write
    }

    /// Writes a line, or counts it if there were too many lately.
    public func warning(_ text: @autoclosure () -> String) {
        let time = now()
        let suppressed = budget.withLock { budget -> Int? in
            let earned = Int(clamping: (time &- budget.refilled) / Self.interval)
            if earned > 0 {
                budget.lines = min(Self.burst, budget.lines + min(earned, Self.burst))
                budget.refilled = time
            }
            guard budget.lines > 0 else {
                budget.suppressed += 1
                return nil
            }
            budget.lines -= 1
            defer { budget.suppressed = 0 }
            return budget.suppressed
        }
        guard let suppressed else { return }
        let more = suppressed > 0 ? " (and \(suppressed) lines not shown)" : ""
        write("\(name): \(text())\(more)")
    }
}
