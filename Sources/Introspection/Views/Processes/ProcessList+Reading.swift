extension ProcessList {
    /// A process and what its rows are read from.
    struct Gathered {
        /// Its first thread.
        let task: VirtualAddress
        let signal: VirtualAddress
        let memory: VirtualAddress?
        let isKernelThread: Bool
        /// All its threads; nil if they cannot be followed.
        var threads: [VirtualAddress]?
        /// What the rows of all its threads have in common.
        var shared = Shared()
    }

    /// What is the process's and not a thread's.
    struct Shared {
        var threadCount: Int?
        var residentSize: UInt64?
        var virtualSize: UInt64?
        var endedRuntime: UInt64?
        var command: String?
        var hasDetails = false
    }

    /// Follows the lists first, asks for all pages together, and reads then.
    func gather(details: Bool) throws(ReadError) -> [Gathered] {
        try kernel.image.prefetch(pages: pageMemory.pages)
        let leaders = try tasks.leaders()
        var pages = try kernel.prefetch(leaders, part: fields.taskPart)
        var processes: [Gathered] = []
        processes.reserveCapacity(leaders.count)
        var signals: [VirtualAddress] = []
        var memories: [VirtualAddress] = []
        var credentials: [VirtualAddress] = []
        for task in leaders {
            let signal = try kernel.pointer(fields.signal, at: task)
            let memory = try tasks.memory(ofTask: task)
            signals.append(signal)
            if let memory { memories.append(memory) }
            credentials.append(try kernel.pointer(fields.credentials, at: task))
            processes.append(
                Gathered(
                    task: task, signal: signal, memory: memory,
                    isKernelThread: try tasks.isKernelThread(task)))
        }
        pages += try kernel.prefetch(signals, part: fields.signalPart)
        pages += try kernel.prefetch(memories, part: fields.memoryPart)
        pages += try kernel.prefetch(
            credentials, part: fields.user.offset..<fields.user.offset + fields.user.size)
        var others: [VirtualAddress] = []
        for index in processes.indices {
            let task = processes[index].task
            let count = try? kernel.value(fields.threadCount, at: processes[index].signal)
            processes[index].threads = count == 1 ? [task] : try? tasks.threads(of: task)
            others += processes[index].threads?.dropFirst() ?? []
        }
        pages += try kernel.prefetch(others, part: fields.taskPart)
        pageMemory.pages = pages
        var allowance = TextAllowance()
        for index in processes.indices {
            processes[index].shared = share(of: processes[index], details, &allowance)
        }
        return processes
    }

    /// What cannot be read is unknown: a process that ends meanwhile has lost some of it.
    private func share(
        of process: Gathered, _ details: Bool, _ allowance: inout TextAllowance
    ) -> Shared {
        var shared = Shared()
        shared.threadCount = (try? kernel.value(fields.threadCount, at: process.signal)).map(Int.init)
        shared.endedRuntime = (try? kernel.value(fields.endedRuntime, at: process.signal))
            .map(UInt64.init(bitPattern:))
        shared.hasDetails = details
        guard let memory = process.memory else { return shared }
        shared.virtualSize = (try? kernel.value(fields.totalPages, at: memory))
            .flatMap { (0..<1 << 51).contains($0) ? UInt64($0) << 12 : nil }
        shared.residentSize = process.threads.flatMap { threads in
            try? residentSet.size(of: memory, tasks: threads)
        }
        if details {
            shared.command = allowance.take(arguments.arguments(of: memory)?.joined(separator: " "))
        }
        return shared
    }

    /// The row of a whole process.
    func row(
        of process: Gathered, known: inout ControlGroupReader.Known
    ) throws(ReadError) -> ProcessRow {
        var row = try row(ofThread: process.task, in: process, known: &known)
        row.processorTime = try total(of: process)
        return row
    }

    private func total(of process: Gathered) throws(ReadError) -> UInt64? {
        guard var sum = process.shared.endedRuntime, let threads = process.threads else { return nil }
        for thread in threads { sum &+= UInt64(bitPattern: try kernel.value(fields.runtime, at: thread)) }
        return sum
    }

    /// The row of one thread.
    func row(
        ofThread task: VirtualAddress, in process: Gathered, known: inout ControlGroupReader.Known
    ) throws(ReadError) -> ProcessRow {
        let name = try tasks.name(of: task)
        let command: String
        if process.isKernelThread {
            command = "[\(name)]"
        } else if process.shared.hasDetails {
            command = process.shared.command ?? "[\(name)]"
        } else {
            command = name
        }
        let parent = try kernel.pointer(fields.parent, at: task)
        let credentials = try kernel.pointer(fields.credentials, at: task)
        return ProcessRow(
            pid: Int32(truncatingIfNeeded: try kernel.value(fields.group, at: task)),
            thread: Int32(truncatingIfNeeded: try kernel.value(fields.pid, at: task)),
            parent: (try? kernel.value(fields.group, at: parent)).map { Int32(truncatingIfNeeded: $0) },
            user: (try? kernel.load(UInt32.self, at: credentials + fields.user.offset)),
            state: ProcessState(
                state: try kernel.value(fields.state, at: task),
                exitState: try kernel.value(fields.exitState, at: task)),
            threadCount: process.shared.threadCount,
            processorTime: UInt64(bitPattern: try kernel.value(fields.runtime, at: task)),
            residentSize: process.shared.residentSize, virtualSize: process.shared.virtualSize,
            start: UInt64(bitPattern: try kernel.value(fields.start, at: task)),
            isKernelThread: process.isKernelThread,
            controlGroup: process.shared.hasDetails
                ? controlGroups.flatMap { try? $0.path(of: task, known: &known) } : nil,
            name: name, command: command)
    }
}
