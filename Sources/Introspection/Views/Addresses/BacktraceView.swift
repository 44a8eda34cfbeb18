/// Kernel stacks: of the virtual CPUs as they stand, and of any task, running or asleep.
///
/// By the ORC tables that distributions' kernels carry (CONFIG_UNWINDER_ORC). Where they end before the stack
/// does, what else looks like a return address is told as a guess, as in the kernel's own traces.
public struct BacktraceView {
    private let kernel: Kernel
    private let names: CodeSymbols
    private let tables: OrcTables
    private let stacks: KernelStacks
    private let tasks: TaskList
    private let current: CurrentTasks
    private let savedStack: Field
    private let savedFrame: Field
    private let savedInstruction: Field
    private let inactiveFrameSize: Int

    /// Guesses after a stack that leads no further.
    private static let mostGuesses = 64

    /// - Throws: `missing` if the kernel has no such tables.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        names = CodeSymbols(kernel)
        tables = try OrcTables(kernel, names)
        stacks = try KernelStacks(kernel)
        tasks = try TaskList(kernel)
        current = try CurrentTasks(kernel)
        let types = try kernel.types()
        savedStack = try types.required("thread.sp", of: "task_struct")
        savedFrame = try types.required("bp", of: "inactive_task_frame")
        savedInstruction = try types.required("ret_addr", of: "inactive_task_frame")
        inactiveFrameSize = try types.requiredSize(of: "inactive_task_frame")
    }

    /// The stack of a virtual CPU, the innermost frame first. A CPU in a program has one frame, without a name.
    ///
    /// - Parameters:
    ///   - processor: its number.
    ///   - registers: its registers.
    public func read(processor: Int, _ registers: ProcessorRegisters) -> [StackFrameRow] {
        guard registers.privilegeLevel == 0 else {
            return [
                StackFrameRow(
                    index: 0, address: registers.instruction, name: nil, stack: .user, isGuess: false)
            ]
        }
        let start = StackUnwinder.State(
            instruction: registers.instruction, stack: registers.stack, frame: registers.frame, isExact: true,
            registers: registers.general.map { .processor($0) } ?? .unknown)
        return rows(from: start, task: current.task(on: processor))
    }

    /// The stack of a task.
    ///
    /// - Parameters:
    ///   - task: the number of a process or thread.
    ///   - registers: those of all CPUs, for a task that runs; empty if they are not known.
    /// - Throws: `notFound` if there is no such task, or it runs and the registers are not known.
    public func read(
        task number: Int32, _ registers: [ProcessorRegisters] = []
    ) throws(IntrospectionError) -> [StackFrameRow] {
        let task = try tasks.task(number)
        if let processor = current.processor(of: task) {
            guard processor < registers.count else {
                throw .notFound("task \(number) runs on CPU \(processor), whose registers are not known")
            }
            return read(processor: processor, registers[processor])
        }
        return try reading { () throws(ReadError) in
            rows(from: try sleepingState(of: task), task: task)
        }
    }

    /// Where a task went to sleep: what the switch to another one left on its stack.
    private func sleepingState(of task: VirtualAddress) throws(ReadError) -> StackUnwinder.State {
        let stack = try kernel.pointer(savedStack, at: task)
        let instruction = try kernel.pointer(savedInstruction, at: stack)
        // A task that never ran is to begin there, and not to return.
        let isNew = [
            kernel.symbols.address(of: "ret_from_fork"), kernel.symbols.address(of: "ret_from_fork_asm"),
        ]
        .contains(instruction)
        return StackUnwinder.State(
            instruction: instruction, stack: stack + inactiveFrameSize,
            frame: try kernel.pointer(savedFrame, at: stack), isExact: isNew, registers: .unknown)
    }

    private func rows(from start: StackUnwinder.State, task: VirtualAddress?) -> [StackFrameRow] {
        let unwinder = StackUnwinder(
            kernel: kernel, readsIndirectAtOffset: tables.layout.readsIndirectAtOffset,
            lookUp: { address throws(ReadError) in try tables.entry(for: address) })
        let (frames, ending) = unwinder.frames(from: start)
        var rows = frames.enumerated().map { index, frame in
            StackFrameRow(
                index: index, address: frame.instruction,
                name: frame.isExact
                    ? names.name(of: frame.instruction) : names.name(ofReturnTo: frame.instruction),
                stack: stacks.kind(of: index == 0 ? frame.stack : frame.stack - 8, task: task),
                isGuess: frame.isGuess)
        }
        guard case .lost(let place) = ending else { return rows }
        var position = VirtualAddress(place.rawValue & ~7)
        let end = stacks.end(of: place, task: task)
        var guesses = 0
        while position.rawValue < end, guesses < Self.mostGuesses {
            guard let value = try? kernel.pointer(at: position) else { break }
            if names.isCode(value), let name = names.name(ofReturnTo: value) {
                rows.append(
                    StackFrameRow(
                        index: rows.count, address: value, name: name,
                        stack: stacks.kind(of: position, task: task), isGuess: true))
                guesses += 1
            }
            position = position + 8
        }
        return rows
    }
}

/// A frame of a kernel stack.
public struct StackFrameRow: ViewRow {
    /// Which stack a frame is on.
    public enum Stack: String, Sendable {
        /// The task's own.
        case task
        /// The CPU's for interrupts.
        case interrupt
        /// One of the CPU's for exceptions and entries.
        case exception
        /// A program's: the CPU is in user mode.
        case user
        /// None that is known.
        case other
    }

    /// 0 for the innermost.
    public let index: Int
    /// Where execution goes on in this frame.
    public let address: VirtualAddress
    /// What code that is.
    public let name: NamedAddress?
    /// Which stack it is on.
    public let stack: Stack
    /// It was not found by the tables, so it may be a leftover.
    public let isGuess: Bool

    /// As in the kernel's traces: `schedule+0x5e/0xd0`, with `? ` before a guess.
    public var text: String { (isGuess ? "? " : "") + (name?.description ?? address.description) }

    /// What a table shows of it.
    public static let columns = [
        ViewColumn("#", "frame", isNumber: true), ViewColumn("ADDRESS", "address"),
        ViewColumn("FUNCTION", "function"), ViewColumn("STACK", "stack"), ViewColumn("", "guess"),
    ]
    /// The values, in the order of the columns.
    public var cells: [ViewValue] {
        [
            .number(Int64(index)), .address(address.rawValue), .text(text), .text(stack.rawValue),
            .flag(isGuess),
        ]
    }
    /// What makes it the same thing in a later look.
    public var identity: Int { index }
    /// What does not change as it is looked at.
    public var settled: UInt64 { address.rawValue }
}
