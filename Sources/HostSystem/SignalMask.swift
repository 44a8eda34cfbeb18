internal import Glibc

/// Keeps signals away for a while that must not end just anywhere.
public enum SignalMask {
    /// Runs `body` while the signals wait; those that came then arrive behind it.
    public static func holding<Result, Failure: Error>(
        _ signals: [Signal], _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var set = sigset_t()
        var before = sigset_t()
        // SAFETY: both sets are ours; the calls fail for wrong numbers only, and change nothing then.
        unsafe sigemptyset(&set)
        for signal in signals { unsafe sigaddset(&set, signal.rawValue) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        return try body()
    }

    /// Whether one of these signals has come and waits: what is done meanwhile had better end.
    public static func hasPending(_ signals: [Signal]) -> Bool {
        var set = sigset_t()
        // SAFETY: the set is ours; the calls fail for wrong numbers only.
        unsafe sigemptyset(&set)
        guard unsafe sigpending(&set) == 0 else { return false }
        return signals.contains { unsafe sigismember(&set, $0.rawValue) == 1 }
    }
}
