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
    private let mm: Field
    private let flags: Field

    /// PF_KTHREAD (include/linux/sched.h).
    static let kernelThread: Int64 = 0x0020_0000

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
        mm = try types.required("mm", of: "task_struct")
        flags = try types.required("flags", of: "task_struct")
    }

    /// The first thread of every process, the kernel's own among them, in the order of their start. The idle
    /// tasks are no processes and not among them.
    public func leaders() throws(ReadError) -> [VirtualAddress] {
        var found: [VirtualAddress] = []
        try kernel.forEach(
            inListAt: first + tasks.offset, offset: tasks.offset, limit: mostTasks
        ) { task throws(ReadError) in
            found.append(task)
            return true
        }
        return found
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
        do throws(ReadError) {
            let leaders = try leaders()
            for task in leaders where try kernel.value(pid, at: task) == Int64(number) { return task }
            for leader in leaders {
                // A process that ends meanwhile has none: that is no reason not to find another.
                for task in (try? threads(of: leader)) ?? []
                where try kernel.value(pid, at: task) == Int64(number) {
                    return task
                }
            }
        } catch {
            throw .read(error)
        }
        throw .notFound("the guest has no process \(number)")
    }

    /// Where a process's `mm_struct` lies.
    ///
    /// - Throws: `notFound` if there is no such process, or it has no memory of its own.
    func memory(of number: Int32) throws(IntrospectionError) -> VirtualAddress {
        let task = try task(number)
        let isKernelThread: Bool
        do throws(ReadError) {
            if let memory = try memory(ofTask: task) { return memory }
            isKernelThread = try kernel.value(flags, at: task) & Self.kernelThread != 0
        } catch {
            throw .read(error)
        }
        throw .notFound(
            isKernelThread
                ? "process \(number) is a thread of the kernel: it has no memory of its own"
                : "process \(number) has ended: its memory is gone")
    }

    /// Where a task's `mm_struct` lies; nil for kernel threads, which may borrow one, and for what has ended.
    func memory(ofTask task: VirtualAddress) throws(ReadError) -> VirtualAddress? {
        guard try kernel.value(flags, at: task) & Self.kernelThread == 0 else { return nil }
        let memory = try kernel.pointer(mm, at: task)
        return memory.isNull ? nil : memory
    }
}
