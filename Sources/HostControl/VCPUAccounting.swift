public import HostSystem

/// What the scheduler did with a virtual CPU's thread since it began, in nanoseconds.
public struct VCPUTimes: Sendable, Equatable {
    /// On a processor, guest code included.
    public var run: UInt64
    /// Able to run, and kept waiting: by other threads, or by its group's limit (`WaitingSplit` tells them apart).
    public var ready: UInt64

    /// Both.
    public init(run: UInt64, ready: UInt64) {
        self.run = run
        self.ready = ready
    }
}

/// The virtual CPUs of one machine: what the scheduler did with each, and where each may run. Their files stay
/// open. For one thread.
public struct VCPUAccounting: ~Copyable {
    /// The machine's process.
    public let process: Int32
    private let files: HostFiles
    private var threads: [VCPUThreads.Found] = []
    private var times: [VCPUTimes] = []
    private var statistics: [ScheduleStatistics] = []
    private var placements: [ProcessorSet?] = []

    /// An open `schedstat`; a class, because arrays hold nothing that cannot be copied.
    private final class ScheduleStatistics {
        var file: StatusFile
        init(_ path: String) throws(SystemError) { file = try StatusFile(path, limit: 128) }
    }

    /// Finds the threads there are; `lookForThreads` finds those that come later.
    public init(process: Int32, files: HostFiles = HostFiles()) throws(HostControlError) {
        self.process = process
        self.files = files
        try lookForThreads()
    }

    /// How many virtual CPUs have threads now.
    public var count: Int { threads.count }

    /// The number of a thread, as gettid(2) has it.
    public func thread(of index: Int) -> Int32? {
        threads.indices.contains(index) ? threads[index].thread : nil
    }

    /// Looks for the threads anew. Placements of threads that were known are kept.
    public mutating func lookForThreads() throws(HostControlError) {
        let found = try VCPUThreads.find(of: process, files)
        if found == threads { return }
        var opened: [ScheduleStatistics] = []
        for one in found {
            do throws(SystemError) {
                opened.append(
                    try ScheduleStatistics("\(files.processes)/\(process)/task/\(one.thread)/schedstat"))
            } catch {
                throw .of(error, group: "process \(process)")
            }
        }
        let known = threads
        let placed = placements
        placements = found.map { one in known.firstIndex(of: one).flatMap { placed[$0] } }
        threads = found
        statistics = opened
        times = found.map { _ in VCPUTimes(run: 0, ready: 0) }
    }

    /// Reads every virtual CPU's times, in their order; nothing is allocated.
    ///
    /// - Throws: `.ended` if a thread has: look for threads again, or let the machine go.
    public mutating func read(_ each: (_ index: Int, VCPUTimes) -> Void) throws(HostControlError) {
        for index in statistics.indices {
            let path = statistics[index].file.path
            let result: VCPUTimes?
            do throws(SystemError) {
                result = try statistics[index].file.read(VCPUTimes.init(schedstat:))
            } catch {
                throw error.number == ErrorNumber.noProcess || error.number == ErrorNumber.noEntry
                    ? .ended(error) : .system(error)
            }
            guard let result else { throw .unknownForm(path: path, text: "no three numbers") }
            times[index] = result
            each(index, result)
        }
    }

    /// All virtual CPUs' times together, as of now.
    public mutating func total() throws(HostControlError) -> VCPUTimes {
        var run: UInt64 = 0
        var ready: UInt64 = 0
        try read { _, times in
            run &+= times.run
            ready &+= times.ready
        }
        return VCPUTimes(run: run, ready: ready)
    }

    /// Lets a virtual CPU run on these processors only; nil takes `all` of those machines may use. What is so
    /// already costs nothing.
    ///
    /// - Parameter index: below `count`; another is no thread, and nothing is done.
    /// - Throws: `.ended` if the thread has.
    public mutating func place(
        _ index: Int, on processors: ProcessorSet?, all: ProcessorSet
    ) throws(HostControlError) {
        guard threads.indices.contains(index), placements[index] != processors else { return }
        try hold(index, to: processors ?? all)
        placements[index] = processors
    }

    /// Lets every virtual CPU run wherever its process's first thread may, wherever it is held, by whomever: an
    /// earlier process may have placed it and have been killed. What holds the whole process is left alone.
    ///
    /// - Throws: `.ended` if a thread has.
    public mutating func letGo() throws(HostControlError) {
        let all: ProcessorSet
        do throws(SystemError) { all = try ThreadScheduling.processors(of: process) } catch {
            throw error.number == ErrorNumber.noProcess ? .ended(error) : .system(error)
        }
        for index in threads.indices {
            try hold(index, to: all)
            placements[index] = nil
        }
    }

    private func hold(_ index: Int, to processors: ProcessorSet) throws(HostControlError) {
        do throws(SystemError) {
            try ThreadScheduling.setProcessors(of: threads[index].thread, to: processors)
        } catch {
            throw error.number == ErrorNumber.noProcess ? .ended(error) : .system(error)
        }
    }
}

extension VCPUTimes {
    /// From a thread's `schedstat` (Linux, Documentation/scheduler/sched-stats.rst): run, ready, and how often.
    init?(schedstat text: Span<UInt8>) {
        var place = 0
        guard let run = KernelText.number(in: text, at: &place),
            let ready = KernelText.number(in: text, at: &place)
        else { return nil }
        self.init(run: run, ready: ready)
    }
}
