/// Finds tasks by number: processes and their threads.
struct TaskFinder {
    private let kernel: Kernel
    private let first: VirtualAddress
    private let tasks: Field
    private let pid: Field
    private let comm: Field
    private let mm: Field
    private let pgd: Field
    private let signal: Field?
    private let threads: Field?
    private let threadNode: Field?

    init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        let types = try kernel.types()
        first = try kernel.address(of: "init_task")
        tasks = try types.required("tasks", of: "task_struct")
        pid = try types.required("pid", of: "task_struct")
        comm = try types.required("comm", of: "task_struct")
        mm = try types.required("mm", of: "task_struct")
        pgd = try types.required("pgd", of: "mm_struct")
        signal = types.field("signal", of: "task_struct")
        threads = types.field("thread_head", of: "signal_struct")
        threadNode = types.field("thread_node", of: "task_struct")
    }

    /// Every process, without the idle tasks; false ends the walk.
    func forEachProcess(_ body: (VirtualAddress) throws(ReadError) -> Bool) throws(ReadError) {
        try kernel.forEach(inListAt: first + tasks.offset, offset: tasks.offset, body)
    }

    /// Every thread of every process.
    func forEachThread(_ body: (VirtualAddress) throws(ReadError) -> Bool) throws(ReadError) {
        guard let signal, let threads, let threadNode else {
            try forEachProcess(body)
            return
        }
        try forEachProcess { process throws(ReadError) in
            var goesOn = true
            let head = try kernel.pointer(signal, at: process) + threads.offset
            try kernel.forEach(inListAt: head, offset: threadNode.offset, limit: 4_194_304) {
                thread throws(ReadError) in
                goesOn = try body(thread)
                return goesOn
            }
            return goesOn
        }
    }

    /// The `task_struct` of a process or thread.
    func task(_ number: Int) throws(IntrospectionError) -> VirtualAddress {
        let found = try IntrospectionError.wrapping { () throws(ReadError) -> VirtualAddress? in
            var found: VirtualAddress?
            try forEachProcess { process throws(ReadError) in
                if try self.number(of: process) == number { found = process }
                return found == nil
            }
            guard found == nil else { return found }
            try forEachThread { thread throws(ReadError) in
                if try self.number(of: thread) == number { found = thread }
                return found == nil
            }
            return found
        }
        guard let found else { throw .notFound("the guest has no process \(number)") }
        return found
    }

    func number(of task: VirtualAddress) throws(ReadError) -> Int { Int(try kernel.value(pid, at: task)) }

    func name(of task: VirtualAddress) throws(ReadError) -> String { try kernel.text(comm, at: task) }

    /// A task's page tables: the kernel's own for a kernel thread.
    func space(of task: VirtualAddress) throws(ReadError) -> AddressSpace {
        let memory = try kernel.pointer(mm, at: task)
        guard !memory.isNull else { return kernel.space }
        let top = try kernel.physical(of: try kernel.pointer(pgd, at: memory))
        return AddressSpace(root: top, levels: kernel.space.levels)
    }
}
