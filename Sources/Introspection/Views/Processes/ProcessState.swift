/// What a task is doing, by the letters of /proc/PID/stat (proc_pid_stat(5)).
public enum ProcessState: Character, Sendable {
    /// Running, or waiting for a processor.
    case running = "R"
    /// Waiting for something; a signal would wake it.
    case sleeping = "S"
    /// Waiting for something that will not be long; only fatal signals would wake it, if any.
    case uninterruptible = "D"
    /// Stopped by a signal.
    case stopped = "T"
    /// Stopped by a debugger.
    case traced = "t"
    /// Ended and being taken apart.
    case dead = "X"
    /// Ended; its parent has not asked for its status yet.
    case zombie = "Z"
    /// A kernel thread that was told to wait.
    case parked = "P"
    /// A kernel thread that waits for work: uninterruptible, but no load.
    case idle = "I"

    /// - Parameters: `task_struct.__state` (before Linux 5.14 `state`) and `exit_state`.
    init(state: Int64, exitState: Int64) {
        // TASK_IDLE: TASK_UNINTERRUPTIBLE (2) and TASK_NOLOAD (0x400).
        if state & 0x402 == 0x402 {
            self = .idle
            return
        }
        // The letters go by the highest bit of TASK_REPORT (include/linux/sched.h); above it are reasons to
        // wait that are told as TASK_UNINTERRUPTIBLE: TASK_RTLOCK_WAIT and TASK_FROZEN.
        switch (state | exitState) & 0x7F {
        case 0: self = state & 0x9000 == 0 ? .running : .uninterruptible
        case 1: self = .sleeping
        case 2...3: self = .uninterruptible
        case 4...7: self = .stopped
        case 8...15: self = .traced
        case 16...31: self = .dead
        case 32...63: self = .zombie
        default: self = .parked
        }
    }
}
