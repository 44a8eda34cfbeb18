/// How many pages of RAM a process maps: `mm_struct.rss_stat`.
struct ResidentSet {
    private let kernel: Kernel
    private let layout: Layout

    private enum Layout {
        /// Before Linux 6.2: a number of each kind, and what each task has not added to it yet.
        case atomic(counts: Field, cached: Field?)
        /// Since: a `percpu_counter` of each kind, every `stride` bytes.
        case perProcessor(counters: Int, stride: Int, count: Field, parts: Field?, offsets: [UInt64])
    }

    /// MM_FILEPAGES, MM_ANONPAGES and MM_SHMEMPAGES (include/linux/mm_types_task.h); 2 is what is swapped out.
    private static let kinds = [0, 1, 3]

    init(_ kernel: Kernel) throws(IntrospectionError) {
        let types = try kernel.types()
        self.kernel = kernel
        if let counts = types.field("rss_stat.count", of: "mm_struct") {
            layout = .atomic(counts: counts, cached: types.field("rss_stat.count", of: "task_struct"))
            return
        }
        let counters = try types.required("rss_stat", of: "mm_struct")
        let variables = types.field("counters", of: "percpu_counter")
        var offsets: [UInt64] = []
        if variables != nil {
            for processor in try kernel.possibleProcessors() {
                offsets.append(try kernel.perCPU(.null, processor: processor).rawValue)
            }
        }
        layout = .perProcessor(
            counters: counters.offset, stride: try types.requiredSize(of: "percpu_counter"),
            count: try types.required("count", of: "percpu_counter"), parts: variables, offsets: offsets)
    }

    /// Whether the tasks of a process matter.
    var needsTasks: Bool {
        if case .atomic(_, cached: .some) = layout { true } else { false }
    }

    /// The bytes of RAM that a process maps.
    ///
    /// - Parameters:
    ///   - memory: its `mm_struct`.
    ///   - tasks: its threads.
    func size(of memory: VirtualAddress, tasks: [VirtualAddress]) throws(ReadError) -> UInt64 {
        var pages: Int64 = 0
        for kind in Self.kinds {
            switch layout {
            case .atomic(let counts, let cached):
                pages &+= try kernel.load(Int64.self, at: memory + counts.offset + kind * 8)
                guard let cached else { continue }
                for task in tasks {
                    pages &+= Int64(try kernel.load(Int32.self, at: task + cached.offset + kind * 4))
                }
            case .perProcessor(let counters, let stride, let count, let parts, let offsets):
                let counter = memory + counters + kind * stride
                pages &+= try kernel.value(count, at: counter)
                guard let parts else { continue }
                let variable = try kernel.pointer(parts, at: counter)
                for offset in offsets {
                    let place = VirtualAddress(variable.rawValue &+ offset)
                    pages &+= Int64(try kernel.load(Int32.self, at: place))
                }
            }
        }
        // Counts are changed one after the other: a sum below zero is none.
        guard pages > 0 else { return 0 }
        guard pages < 1 << 40 else { throw .inconsistent("a process maps \(pages) pages") }
        return UInt64(pages) << 12
    }
}
