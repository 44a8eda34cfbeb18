/// Which task each processor runs.
struct CurrentTasks {
    private let kernel: Kernel
    private let variable: VirtualAddress
    private let processors: Range<Int>

    init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        processors = try kernel.possibleProcessors()
        if let found = kernel.symbols.address(of: "current_task") {
            variable = found
        } else {
            // From 6.2 to 6.14 it lies among what is used most.
            let place = try kernel.address(of: "pcpu_hot")
            variable = place + (try kernel.types().required("current_task", of: "pcpu_hot").offset)
        }
    }

    /// The `task_struct` that runs on a processor; nil if there is no such processor.
    func task(on processor: Int) -> VirtualAddress? {
        guard processors.contains(processor),
            let place = try? kernel.perCPU(variable, processor: processor),
            let task = try? kernel.pointer(at: place), task.isKernel
        else { return nil }
        return task
    }

    /// The processor that runs a task; nil if none does.
    func processor(of task: VirtualAddress) -> Int? {
        processors.first { self.task(on: $0) == task }
    }
}
