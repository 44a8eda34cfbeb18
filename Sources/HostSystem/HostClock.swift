internal import Glibc

/// Readings of the kernel's clocks. Each is a call without a system call (vDSO).
public enum HostClock {
    /// Nanoseconds since an arbitrary start; never goes back.
    public static func monotonicNanoseconds() -> UInt64 {
        nanoseconds(CLOCK_MONOTONIC)
    }

    /// Seconds since 1970-01-01 00:00 UTC.
    public static func unixSeconds() -> Int64 {
        Int64(nanoseconds(CLOCK_REALTIME) / 1_000_000_000)
    }

    /// Nanoseconds since 1970-01-01 00:00 UTC.
    public static func realNanoseconds() -> UInt64 {
        nanoseconds(CLOCK_REALTIME)
    }

    /// Nanoseconds since the host booted, with the time it was suspended: what `/proc/PID/stat` counts
    /// starts of processes by.
    public static func bootNanoseconds() -> UInt64 {
        nanoseconds(CLOCK_BOOTTIME)
    }

    private static func nanoseconds(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        // SAFETY: these clocks exist on every Linux; the structure is ours.
        unsafe clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
