internal import CLinux

/// What the scheduler is told of a thread, of this process or another: where it may run, and its nice value.
public enum ThreadScheduling {
    /// The processors a thread may run on; sched_getaffinity(2).
    ///
    /// - Parameter thread: its number; 0 is the calling thread.
    /// - Throws: ESRCH if it is gone.
    public static func processors(of thread: Int32) throws(SystemError) -> ProcessorSet {
        var words = ProcessorSet().kernelWords
        // SAFETY: as many words as the shim's constant says.
        let result = unsafe clinux_thread_processors(thread, &words)
        try checked(result, "learn the processors of thread \(thread)")
        return ProcessorSet(kernelWords: words)
    }

    /// Lets a thread run on these processors only; sched_setaffinity(2). One that runs elsewhere is moved
    /// before this returns.
    ///
    /// - Throws: ESRCH if the thread is gone, EINVAL if none of the processors may be used, EPERM if the thread
    ///   is another user's and this process lacks CAP_SYS_NICE.
    public static func setProcessors(of thread: Int32, to processors: ProcessorSet) throws(SystemError) {
        let words = processors.kernelWords
        // SAFETY: as many words as the shim's constant says.
        let result = unsafe clinux_set_thread_processors(thread, words)
        try checked(result, "let thread \(thread) run on processors \(processors) only")
    }

    /// Sets a thread's nice value, -20 to 19; setpriority(2), which on Linux is about one thread.
    ///
    /// - Throws: ESRCH if the thread is gone; EACCES if the value is lower than before and than the thread's process
    ///   may have (`permitLowestNice`), EPERM if the thread is another user's.
    public static func setNice(of thread: Int32, to nice: Int) throws(SystemError) {
        try checked(
            clinux_set_thread_nice(thread, Int32(clamping: nice)),
            "set the nice value of thread \(thread) to \(nice)")
    }

    /// A thread's nice value, -20 to 19.
    ///
    /// - Throws: ESRCH if the thread is gone.
    public static func nice(of thread: Int32) throws(SystemError) -> Int {
        var value: Int32 = 0
        // SAFETY: the integer is ours.
        let result = unsafe clinux_thread_nice(thread, &value)
        try checked(result, "learn the nice value of thread \(thread)")
        return Int(value)
    }

    /// The lowest nice value this process may give threads of its own: -20 with CAP_SYS_NICE, else what its hard
    /// RLIMIT_NICE leaves (20 minus the limit); 20 if it may not lower one at all.
    ///
    /// Those of others have limits of their own, which count for them: `permitLowestNice`. Mostly they are the same,
    /// since a user's processes get them when he logs in.
    public static func lowestNice() -> Int {
        if HostProcess.hasCapability(.systemNice) { return -20 }
        var lowest: Int32 = 20
        // SAFETY: the integer is ours. It cannot fail for this process.
        _ = unsafe clinux_lowest_nice_by_limit(0, &lowest)
        return Int(lowest)
    }

    /// Finds out the lowest nice value that threads of a process may be given by this one, and sees to it that they
    /// may: the kernel asks for the limit of the process that gets the value, not of the one that sets it
    /// (setpriority(2); getrlimit(2), RLIMIT_NICE), so that process's soft limit is raised to its hard one.
    ///
    /// - Parameter process: its number.
    /// - Returns: -20 with CAP_SYS_NICE, when nothing is changed; else 20 minus the limit; 20 for none at all.
    /// - Throws: ESRCH if it is gone, EPERM if it is another user's.
    public static func permitLowestNice(ofProcess process: Int32) throws(SystemError) -> Int {
        if HostProcess.hasCapability(.systemNice) { return -20 }
        var lowest: Int32 = 20
        // SAFETY: the integer is ours.
        let result = unsafe clinux_raise_nice_limit(process, &lowest)
        try checked(result, "learn what nice values process \(process) may have")
        return Int(lowest)
    }

    /// The processor time of a whole process, all its threads of now and before, in nanoseconds:
    /// clock_getcpuclockid(3). Guest code counts.
    ///
    /// - Throws: ESRCH if the process is gone.
    public static func processorTime(ofProcess process: Int32) throws(SystemError) -> UInt64 {
        var nanoseconds: UInt64 = 0
        // SAFETY: the integer is ours.
        let result = unsafe clinux_process_time(process, &nanoseconds)
        try checked(result, "learn the processor time of process \(process)")
        return nanoseconds
    }
}
