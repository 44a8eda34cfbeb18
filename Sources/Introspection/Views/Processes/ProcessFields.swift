/// Where the members lie that a list of processes reads.
struct ProcessFields {
    // Of task_struct.
    let pid: Field
    let group: Field
    let flags: Field
    let state: Field
    let exitState: Field
    let name: Field
    let start: Field
    let parent: Field
    let credentials: Field
    let signal: Field
    let memory: Field
    let runtime: Field
    /// What all of them span.
    let taskPart: Range<Int>
    // Of signal_struct.
    let threadCount: Field
    let endedRuntime: Field
    let signalPart: Range<Int>
    // Of mm_struct.
    let totalPages: Field
    let memoryPart: Range<Int>
    // Of cred.
    let user: Field

    init(_ types: TypeTable) throws(IntrospectionError) {
        pid = try types.required("pid", of: "task_struct")
        group = try types.required("tgid", of: "task_struct")
        flags = try types.required("flags", of: "task_struct")
        // Linux 5.14 renamed it.
        let hasOldName = types.field("__state", of: "task_struct") == nil
        state = try types.required(hasOldName ? "state" : "__state", of: "task_struct")
        exitState = try types.required("exit_state", of: "task_struct")
        name = try types.required("comm", of: "task_struct")
        start = try types.required("start_boottime", of: "task_struct")
        parent = try types.required("real_parent", of: "task_struct")
        credentials = try types.required("real_cred", of: "task_struct")
        signal = try types.required("signal", of: "task_struct")
        memory = try types.required("mm", of: "task_struct")
        runtime = try types.required("se.sum_exec_runtime", of: "task_struct")
        let tasks = try types.required("tasks", of: "task_struct")
        let cached = types.field("rss_stat.count", of: "task_struct")
        let groups = types.field("cgroups", of: "task_struct")
        let worker = types.field("worker_private", of: "task_struct")
        taskPart = Self.span([
            pid, group, flags, state, exitState, name, start, parent, credentials, signal, memory, runtime,
            tasks, cached, groups, worker,
        ])
        threadCount = try types.required("nr_threads", of: "signal_struct")
        endedRuntime = try types.required("sum_sched_runtime", of: "signal_struct")
        signalPart = Self.span([
            threadCount, endedRuntime, types.field("thread_head", of: "signal_struct"),
        ])
        totalPages = try types.required("total_vm", of: "mm_struct")
        memoryPart = Self.span([
            totalPages, types.field("rss_stat", of: "mm_struct"), types.field("arg_start", of: "mm_struct"),
            types.field("arg_end", of: "mm_struct"), types.field("pgd", of: "mm_struct"),
        ])
        user = try types.required("euid", of: "cred")
    }

    private static func span(_ fields: [Field?]) -> Range<Int> {
        let known = fields.compactMap { $0 }
        let start = known.map(\.offset).min() ?? 0
        // Of arrays that are longer only the beginning is read.
        let end = known.map { $0.offset + min($0.size, 64) }.max() ?? 0
        return start..<max(start, end)
    }
}
