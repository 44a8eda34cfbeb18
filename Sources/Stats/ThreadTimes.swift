/// What the kernel's scheduler did with a thread, in nanoseconds since the thread began.
public struct ThreadTimes: Sendable, Equatable {
    /// On a processor, guest code included.
    public let run: UInt64
    /// Wanting to run while other threads did.
    public let ready: UInt64
    /// Neither: a halted guest, or one that waits for this process.
    public let wait: UInt64

    /// The times of a thread that has lived so long, from the text of its `schedstat` file (Linux,
    /// Documentation/scheduler/sched-stats.rst).
    ///
    /// - Returns: nil if the text is something else.
    public init?(schedstat: [UInt8], elapsed: UInt64) {
        let fields = schedstat.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        guard fields.count == 3, let run = UInt64(String(decoding: fields[0], as: UTF8.self)),
            let ready = UInt64(String(decoding: fields[1], as: UTF8.self))
        else {
            return nil
        }
        self.run = run
        self.ready = ready
        let busy = run.addingReportingOverflow(ready)
        wait = busy.overflow || busy.partialValue > elapsed ? 0 : elapsed - busy.partialValue
    }
}
