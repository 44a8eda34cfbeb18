@testable import Introspection

/// Processes made by hand in a kernel made by hand.
final class ProcessFixture {
    let machine = KernelFixture()
    private let idle: VirtualAddress
    private(set) var leaders: [VirtualAddress] = []

    /// How resident pages are counted.
    enum Counting {
        /// Before Linux 6.2: in the process and its tasks.
        case byTask
        /// Since: in the process and for each of two processors.
        case byProcessor
    }

    init(_ counting: Counting = .byTask) {
        machine.describe("list_head", size: 16, [("next", .number(8), 0), ("prev", .number(8), 8)])
        machine.describe("sched_entity", size: 8, [("sum_exec_runtime", .number(8), 0)])
        machine.describe("task_counts", size: 16, [("count", .numbers(bytes: 4, count: 4), 0)])
        machine.describe("memory_counts", size: 32, [("count", .numbers(bytes: 8, count: 4), 0)])
        machine.describe("percpu_counter", size: 16, [("count", .signed(8), 0), ("counters", .number(8), 8)])
        let task: [(String, TypeDescription.Kind, Int)] = [
            ("__state", .number(4), 0), ("exit_state", .signed(4), 4), ("flags", .number(4), 8),
            ("pid", .signed(4), 12), ("tgid", .signed(4), 16), ("comm", .numbers(bytes: 1, count: 16), 24),
            ("tasks", .structure("list_head"), 40), ("mm", .number(8), 56), ("real_parent", .number(8), 64),
            ("real_cred", .number(8), 72), ("signal", .number(8), 80),
            ("thread_node", .structure("list_head"), 88), ("start_boottime", .number(8), 104),
            ("se", .structure("sched_entity"), 112), ("files", .number(8), 136), ("nsproxy", .number(8), 144),
            ("fs", .number(8), 152), ("worker_private", .number(8), 160),
        ]
        let memory: [(String, TypeDescription.Kind, Int)] = [
            ("pgd", .number(8), 0), ("total_vm", .number(8), 8), ("arg_start", .number(8), 16),
            ("arg_end", .number(8), 24), ("env_start", .number(8), 32), ("env_end", .number(8), 40),
            ("mmap", .number(8), 176), ("start_brk", .number(8), 184), ("brk", .number(8), 192),
            ("start_stack", .number(8), 200),
        ]
        switch counting {
        case .byTask:
            machine.describe("task_struct", size: 256, task + [("rss_stat", .structure("task_counts"), 120)])
            machine.describe(
                "mm_struct", size: 256, memory + [("rss_stat", .structure("memory_counts"), 48)])
        case .byProcessor:
            machine.describe("task_struct", size: 256, task)
            machine.describe(
                "mm_struct", size: 256, memory + [("rss_stat", .numbers(bytes: 8, count: 8), 48)])
            let count = machine.allocate(8)
            machine.store(2 as UInt64, at: count)
            machine.name("nr_cpu_ids", count)
            let offsets = machine.allocate(16)
            machine.store(0x100 as UInt64, at: offsets)
            machine.store(0x200 as UInt64, at: offsets + 8)
            machine.name("__per_cpu_offset", offsets)
        }
        machine.describe(
            "signal_struct", size: 32,
            [
                ("nr_threads", .signed(4), 0), ("thread_head", .structure("list_head"), 8),
                ("sum_sched_runtime", .number(8), 24),
            ])
        machine.describe("cred", size: 8, [("euid", .number(4), 0)])
        machine.describe("kthread", size: 112, [("full_name", .number(8), 104)])
        idle = machine.allocate(256)
        machine.name("init_task", idle)
        link([idle + 40])
    }

    /// Puts a process behind the last one.
    @discardableResult
    func add(
        _ pid: UInt32, _ name: String, parent: VirtualAddress? = nil, flags: UInt32 = 0,
        memory: VirtualAddress = .null
    ) -> VirtualAddress {
        let task = task(pid, group: pid, name, flags: flags)
        let signal = machine.allocate(32)
        machine.store(half: 1, at: signal)
        machine.store(5_000_000 as UInt64, at: signal + 24)
        machine.store(signal, at: task + 80)
        machine.store(parent ?? idle, at: task + 64)
        machine.store(memory, at: task + 56)
        link([signal + 8, task + 88])
        leaders.append(task)
        link([idle + 40] + leaders.map { $0 + 40 })
        return task
    }

    /// Gives a process, which has one, a second thread.
    @discardableResult
    func addThread(_ pid: UInt32, to leader: VirtualAddress, group: UInt32, signal: VirtualAddress)
        -> VirtualAddress
    {
        let task = task(pid, group: group, "second", flags: 0)
        machine.store(signal, at: task + 80)
        machine.store(half: 2, at: signal)
        link([signal + 8, leader + 88, task + 88])
        return task
    }

    /// The memory of a process: `pages` resident of each kind, `text` at `start` in its address space.
    func addMemory(_ text: [UInt8], argumentBytes: Int? = nil, at start: UInt64 = 0x40_0FF0) -> VirtualAddress
    {
        let memory = machine.allocate(256)
        let tables = KernelFixture.place(0x80000)
        machine.store(tables, at: memory)
        machine.store(100 as UInt64, at: memory + 8)
        machine.store(start, at: memory + 16)
        let end = start + UInt64(argumentBytes ?? text.count)
        machine.store(end, at: memory + 24)
        machine.store(end, at: memory + 32)
        machine.store(start + UInt64(text.count), at: memory + 40)
        // One table of each level, and two pages at 4 MiB that are not neighbours in memory.
        machine.store(0x81007, at: tables)
        machine.store(0x82007, at: KernelFixture.place(0x81000))
        machine.store(0x83007, at: KernelFixture.place(0x82000 + 2 * 8))
        machine.store(0x90007, at: KernelFixture.place(0x83000))
        machine.store(0x85007, at: KernelFixture.place(0x83008))
        for (index, byte) in text.enumerated() {
            let address = Int(start) - 0x40_0000 + index
            machine.source.memory[address < 0x1000 ? 0x90000 + address : 0x84000 + address] = byte
        }
        return memory
    }

    /// What the list tells.
    func rows(details: Bool = true) throws -> [ProcessRow] {
        try ProcessList(machine.kernel()).read(details: details)
    }

    private func task(_ pid: UInt32, group: UInt32, _ name: String, flags: UInt32) -> VirtualAddress {
        let task = machine.allocate(256)
        machine.store(half: 1, at: task)
        machine.store(half: flags, at: task + 8)
        machine.store(half: pid, at: task + 12)
        machine.store(half: group, at: task + 16)
        for (index, byte) in name.utf8.enumerated() {
            machine.source.memory[KernelFixture.offset(task) + 24 + index] = byte
        }
        let credentials = machine.allocate(8)
        machine.store(half: 1000, at: credentials)
        machine.store(credentials, at: task + 72)
        machine.store(UInt64(pid) * 1_000_000_000, at: task + 104)
        machine.store(7_000_000 as UInt64, at: task + 112)
        return task
    }

    /// Makes a ring of list heads.
    private func link(_ heads: [VirtualAddress]) {
        for (index, head) in heads.enumerated() {
            let next = heads[(index + 1) % heads.count]
            machine.store(known(next), at: head)
            machine.store(known(head), at: next + 8)
        }
    }

    /// The address by which the kernel knows a list head: the first task lies in its image.
    private func known(_ head: VirtualAddress) -> VirtualAddress {
        head == idle + 40 ? KernelFixture.inImage(head) : head
    }
}
