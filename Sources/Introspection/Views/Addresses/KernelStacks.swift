/// The stacks that kernel code runs on.
struct KernelStacks {
    private let kernel: Kernel
    private let stackField: Field
    private let size: Int
    /// Of each processor, the range of its stack for interrupts.
    private let interruptStacks: [Range<UInt64>]

    /// IRQ_STACK_SIZE.
    private static let interruptStackSize: UInt64 = 16_384
    /// Stacks of exceptions and of the first instructions of an entry (CPU_ENTRY_AREA, mm.rst).
    private static let entryArea: Range<UInt64> = 0xFFFF_FE00_0000_0000..<0xFFFF_FE80_0000_0000

    init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        let types = try kernel.types()
        stackField = try types.required("stack", of: "task_struct")
        // THREAD_SIZE: twice as much with KASAN.
        size = min(max(types.structure(named: "thread_union")?.size ?? 16_384, 4096), 1 << 20)
        var variable = kernel.symbols.address(of: "hardirq_stack_ptr")
        if variable == nil, let hot = kernel.symbols.address(of: "pcpu_hot"),
            let field = types.field("hardirq_stack_ptr", of: "pcpu_hot")
        {
            variable = hot + field.offset
        }
        var stacks: [Range<UInt64>] = []
        if let variable {
            for processor in try kernel.possibleProcessors() {
                guard let top = try? kernel.pointer(at: try kernel.perCPU(variable, processor: processor)),
                    top.isKernel
                else { continue }
                // The pointer is to the top, or to the last word below it.
                let end = (top.rawValue &+ 15) & ~15
                guard end > Self.interruptStackSize else { continue }
                stacks.append(end - Self.interruptStackSize..<end)
            }
        }
        interruptStacks = stacks
    }

    /// The stack that an address lies in.
    func kind(of address: VirtualAddress, task: VirtualAddress?) -> StackFrameRow.Stack {
        if interruptStacks.contains(where: { $0.contains(address.rawValue) }) { return .interrupt }
        if Self.entryArea.contains(address.rawValue) { return .exception }
        if let task, let range = range(of: task), range.contains(address.rawValue) { return .task }
        return .other
    }

    /// Where a task's stack lies.
    func range(of task: VirtualAddress) -> Range<UInt64>? {
        guard let start = try? kernel.pointer(stackField, at: task), start.isKernel,
            start.rawValue < UInt64.max - UInt64(size)
        else { return nil }
        return start.rawValue..<start.rawValue + UInt64(size)
    }

    /// Where the stack that an address lies in ends.
    func end(of address: VirtualAddress, task: VirtualAddress?) -> UInt64 {
        if let found = interruptStacks.first(where: { $0.contains(address.rawValue) }) {
            return found.upperBound
        }
        if let task, let range = range(of: task), range.contains(address.rawValue) { return range.upperBound }
        // A page and no more: what stack it is is not known.
        return (address.rawValue | 0xFFF) &+ 1
    }
}
