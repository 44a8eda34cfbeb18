internal import Glibc
internal import HostSystem

/// Why a machine cannot be observed.
public enum ObservationError: Error, Equatable, CustomStringConvertible {
    /// Its stats page cannot be read.
    case page(StatsError)
    /// The page was left behind by a process that is gone.
    case stale(process: Int32)

    /// What is wrong, as a clause that can follow the file's name.
    public var description: String {
        switch self {
        case .page(let error): error.description
        case .stale(let process): "process \(process), which wrote it, has ended"
        }
    }
}

/// What there is to know of a running machine at one moment, without asking it.
public struct MachineObservation: Sendable {
    /// A virtual CPU.
    public struct Processor: Sendable {
        /// Its number.
        public let number: Int
        /// Its thread's number; nil before the thread runs.
        public let thread: Int32?
        /// What the scheduler did with the thread; nil if it is not to be known.
        public let times: ThreadTimes?
        /// Exits by reason, in the page's order.
        public let exits: [(reason: String, count: UInt64)]
        /// The kernel's numbers; nil if they are not to be known.
        public let kernel: KVMStatistics?
    }

    /// Sizes of memory, in bytes; nil is unknown.
    public struct Memory: Sendable, Equatable {
        /// The RAM the machine was made with.
        public let configured: UInt64?
        /// What of it this host holds.
        public let resident: UInt64?
        /// What of it the balloon holds.
        public let ballooned: UInt64?
        /// What this host holds of everything else in the process: the monitor's own.
        public let monitor: UInt64?
    }

    /// Everything of the page.
    public let page: StatsSnapshot
    /// Nanoseconds since the page was made.
    public let elapsed: UInt64
    /// The virtual CPUs.
    public let processors: [Processor]
    /// The memory.
    public let memory: Memory
    /// The kernel's numbers of the machine; nil if they are not to be known.
    public let kernel: KVMStatistics?
    /// What is not to be known, and why: a sentence each.
    public let remarks: [String]
}

/// Observes one machine: its stats page, and what the kernel tells about its process. The machine spends no
/// system call and no wake-up on it.
public struct MachineObserver: ~Copyable, Sendable {
    private var reader: StatsReader

    /// Opens a machine's stats page.
    public init(page path: String) throws(ObservationError) {
        do {
            reader = try StatsReader(path)
        } catch {
            throw .page(error)
        }
    }

    /// Takes a snapshot of the page alone, of a machine that lives.
    public mutating func page() throws(ObservationError) -> StatsSnapshot {
        do {
            let page = try reader.snapshot()
            _ = try Self.writer(of: page)
            return page
        } catch let error as StatsError {
            throw .page(error)
        } catch let error as ObservationError {
            throw error
        } catch {
            throw .page(.damaged("\(error)"))
        }
    }

    /// Looks at everything.
    public mutating func observe() throws(ObservationError) -> MachineObservation {
        let page: StatsSnapshot
        do {
            page = try reader.snapshot()
        } catch {
            throw .page(error)
        }
        let process = try Self.writer(of: page)
        var remarks = Remarks()
        for section in page.sections where !section.isConsistent {
            remarks.add(
                "section \(section.name) was being written at each of \(StatsReader.usualAttempts) attempts")
        }
        let machine = page[MachineShape.section]
        var processors: [MachineObservation.Processor] = []
        for number in 0..<Int(clamping: machine?["processors"] ?? 0) {
            guard let section = page[ProcessorShape.section(number)] else { break }
            processors.append(Self.processor(number, section, process, &remarks))
        }
        return MachineObservation(
            page: page, elapsed: page.readTime &- page.monotonicTime, processors: processors,
            memory: Self.memory(machine, process, &remarks),
            kernel: Self.kernelStatistics(machine, process, &remarks), remarks: remarks.sentences)
    }
}

/// What is not to be known, each sentence once.
private struct Remarks {
    private(set) var sentences: [String] = []

    mutating func add(_ sentence: String) {
        if !sentences.contains(sentence) { sentences.append(sentence) }
    }
}

extension MachineObserver {
    /// The process that wrote the page, if it still lives.
    ///
    /// A process of that number which began after the page was made is another one.
    private static func writer(of page: StatsSnapshot) throws(ObservationError) -> OtherProcess {
        do throws(SystemError) {
            let process = try OtherProcess(page.process)
            if try process.startTime() <= page.bootTime { return process }
        } catch  where error.number != ESRCH && error.number != ENOENT {
            throw .page(.file(error))
        } catch {
            // Gone, as below.
        }
        throw .stale(process: page.process)
    }

    private static func processor(
        _ number: Int, _ section: StatsSectionSnapshot, _ process: borrowing OtherProcess,
        _ remarks: inout Remarks
    ) -> MachineObservation.Processor {
        let thread = section["thread"].flatMap { Int32(exactly: $0) }
        return MachineObservation.Processor(
            number: number, thread: thread,
            times: times(thread, started: section["started"], process, &remarks),
            exits: section.values.compactMap { value in
                guard value.name.hasPrefix(ProcessorShape.exitPrefix), let count = value.number else {
                    return nil
                }
                return (String(value.name.dropFirst(ProcessorShape.exitPrefix.count)), count)
            },
            kernel: kernelStatistics(section, process, &remarks))
    }

    private static func times(
        _ thread: Int32?, started: UInt64?, _ process: borrowing OtherProcess, _ remarks: inout Remarks
    ) -> ThreadTimes? {
        guard let thread, let started else { return nil }
        do throws(SystemError) {
            let text = try process.file("task/\(thread)/schedstat", limit: 4096)
            let now = HostClock.monotonicNanoseconds()
            if let times = ThreadTimes(schedstat: text, elapsed: now - min(started, now)) { return times }
            remarks.add("the kernel keeps no schedstat")
        } catch {
            remarks.add("no run, ready and wait times: \(error)")
        }
        return nil
    }

    private static func memory(
        _ machine: StatsSectionSnapshot?, _ process: borrowing OtherProcess, _ remarks: inout Remarks
    ) -> MachineObservation.Memory {
        let configured = machine?["memory.configured"]
        var resident: ResidentMemory?
        if let configured, let address = machine?["memory.address"], configured <= UInt64.max - address {
            do throws(SystemError) {
                resident = ResidentMemory(
                    smaps: try process.file("smaps"), guest: address..<address + configured)
                if resident == nil {
                    remarks.add("no resident memory: the kernel's smaps is of no known form")
                }
            } catch {
                remarks.add("no resident memory: \(error)")
            }
        }
        return MachineObservation.Memory(
            configured: configured, resident: resident?.guest, ballooned: machine?["memory.ballooned"],
            monitor: resident?.other)
    }

    private static func kernelStatistics(
        _ section: StatsSectionSnapshot?, _ process: borrowing OtherProcess, _ remarks: inout Remarks
    ) -> KVMStatistics? {
        guard let number = section?["kvm-descriptor"].flatMap({ Int32(exactly: $0) }) else {
            remarks.add(
                "no statistics of KVM: the machine has no descriptor of them (KVM_CAP_BINARY_STATS_FD, Linux 5.14)"
            )
            return nil
        }
        do throws(SystemError) {
            let file = try process.duplicate(number)
            let bytes = try DescriptorIO.read(
                file.number, at: 0, limit: KVMStatistics.mostBytes, operation: "read KVM's statistics")
            if let statistics = KVMStatistics(bytes) { return statistics }
            remarks.add("no statistics of KVM: they are of no known form")
        } catch {
            let advice = error.isPermission ? "; kernel.yama.ptrace_scope may forbid it, root may" : ""
            remarks.add("no statistics of KVM: cannot borrow their descriptor: \(error.reason)\(advice)")
        }
        return nil
    }
}
