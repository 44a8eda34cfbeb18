internal import GuestMemory

/// The guest's processes and threads as the kernel keeps them: addresses of `struct task_struct`.
public struct TaskList {
    let kernel: Kernel
    private let first: VirtualAddress
    private let tasks: Field
    private let signal: Field
    private let threadHead: Field
    private let threadNode: Field
    private let pid: Field
    private let comm: Field
    /// From Linux 5.17: where a thread of the kernel keeps what is its own, and in there its whole name.
    private let wholeName: (thread: Field, name: Field)?
    private let mm: Field
    private let flags: Field

    /// PF_KTHREAD (include/linux/sched.h).
    private static let kernelThread: Int64 = 0x0020_0000

    /// TASK_COMM_LEN is 16; of a thread of the kernel /proc/PID/comm shows 63 bytes (fs/proc/array.c).
    private static let longestName = 63
    /// More tasks than the guest can have: PID_MAX_LIMIT is 2^22, and each takes memory.
    private let mostTasks: Int

    /// - Throws: `missing` if this kernel's tasks cannot be followed.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        let types = try kernel.types()
        self.kernel = kernel
        first = try kernel.address(of: "init_task")
        let size = max(try types.requiredSize(of: "task_struct"), 256)
        let memory = kernel.image.regions.reduce(0 as UInt64) { $0 &+ $1.size }
        mostTasks = Int(min(memory / UInt64(size), 4_194_304))
        tasks = try types.required("tasks", of: "task_struct")
        signal = try types.required("signal", of: "task_struct")
        threadHead = try types.required("thread_head", of: "signal_struct")
        threadNode = try types.required("thread_node", of: "task_struct")
        pid = try types.required("pid", of: "task_struct")
        comm = try types.required("comm", of: "task_struct")
        if let thread = types.field("worker_private", of: "task_struct"),
            let name = types.field("full_name", of: "kthread")
        {
            wholeName = (thread, name)
        } else {
            wholeName = nil
        }
        mm = try types.required("mm", of: "task_struct")
        flags = try types.required("flags", of: "task_struct")
    }

    /// The first thread of every process, the kernel's own among them, in the order of their start. The idle
    /// tasks are no processes and not among them.
    public func leaders() throws(ReadError) -> [VirtualAddress] {
        var found: [VirtualAddress] = []
        try forEachLeader { task throws(ReadError) in
            found.append(task)
            return true
        }
        return found
    }

    /// The same one by one; false ends it.
    private func forEachLeader(
        _ body: (VirtualAddress) throws(ReadError) -> Bool
    ) throws(ReadError) {
        try kernel.forEach(inListAt: first + tasks.offset, offset: tasks.offset, limit: mostTasks, body)
    }

    /// All threads of the process that a task belongs to, the first one first.
    public func threads(of task: VirtualAddress) throws(ReadError) -> [VirtualAddress] {
        var found: [VirtualAddress] = []
        let group = try kernel.pointer(signal, at: task)
        try kernel.forEach(
            inListAt: group + threadHead.offset, offset: threadNode.offset, limit: mostTasks
        ) { thread throws(ReadError) in
            found.append(thread)
            return true
        }
        return found
    }

    /// The task of a process or thread, by its number in the first PID namespace.
    ///
    /// - Throws: `notFound` if there is none.
    public func task(_ number: Int32) throws(IntrospectionError) -> VirtualAddress {
        let found = try reading { () throws(ReadError) -> VirtualAddress? in
            var leaders: [VirtualAddress] = []
            var found: VirtualAddress?
            try forEachLeader { task throws(ReadError) in
                if try self.number(of: task) == number { found = task }
                leaders.append(task)
                return found == nil
            }
            if let found { return found }
            for leader in leaders {
                // A process that ends meanwhile has none: that is no reason not to find another.
                for task in (try? threads(of: leader)) ?? [] where try self.number(of: task) == number {
                    return task
                }
            }
            return nil
        }
        guard let found else { throw .notFound("the guest has no process \(number)") }
        return found
    }

    /// A task's number in the first PID namespace; 0 for the idle tasks.
    func number(of task: VirtualAddress) throws(ReadError) -> Int { Int(try kernel.value(pid, at: task)) }

    /// A task's name: the program's, or what was set since; of a thread of the kernel the whole, which may be longer
    /// than a task's. What a worker is at, which /proc/PID/comm shows behind its name, is left out.
    func name(of task: VirtualAddress) throws(ReadError) -> String {
        let name = try kernel.text(at: task + comm.offset, limit: min(comm.size, Self.longestName))
        // Only what does not fit is kept whole; where that cannot be read, what did fit is still true.
        guard name.utf8.count >= comm.size - 1, let whole = try? wholeName(of: task) else { return name }
        return whole
    }

    /// Nil if the task's own name is all there is.
    private func wholeName(of task: VirtualAddress) throws(ReadError) -> String? {
        guard let wholeName, try isKernelThread(task) else { return nil }
        let thread = try kernel.pointer(wholeName.thread, at: task)
        guard thread.isKernel else { return nil }
        let name = try kernel.pointer(wholeName.name, at: thread)
        return name.isKernel ? try kernel.text(at: name, limit: Self.longestName) : nil
    }

    /// Whether a task is a thread of the kernel.
    func isKernelThread(_ task: VirtualAddress) throws(ReadError) -> Bool {
        try kernel.value(flags, at: task) & Self.kernelThread != 0
    }

    /// Where a process's `mm_struct` lies.
    ///
    /// - Throws: `notFound` if there is no such process, or it has no memory of its own.
    func memory(of number: Int32) throws(IntrospectionError) -> VirtualAddress {
        let task = try task(number)
        if let memory = try reading({ () throws(ReadError) in try memory(ofTask: task) }) { return memory }
        let isKernelThread = try reading { () throws(ReadError) -> Bool in try self.isKernelThread(task) }
        throw .notFound(
            isKernelThread
                ? "process \(number) is a thread of the kernel: it has no memory of its own"
                : "process \(number) has ended: its memory is gone")
    }

    /// Where a task's `mm_struct` lies; nil for kernel threads, which may borrow one, and for what has ended.
    func memory(ofTask task: VirtualAddress) throws(ReadError) -> VirtualAddress? {
        guard try !isKernelThread(task) else { return nil }
        let memory = try kernel.pointer(mm, at: task)
        return memory.isNull ? nil : memory
    }
}
