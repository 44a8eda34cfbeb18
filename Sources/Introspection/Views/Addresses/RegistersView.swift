/// The registers of the virtual CPUs, with names for what they point at.
public struct RegistersView {
    private let kernel: Kernel
    private let names: CodeSymbols
    private let current: CurrentTasks?
    private let tasks: TaskList?

    /// Nothing can be missing: what this kernel does not tell stays empty.
    public init(_ kernel: Kernel) {
        self.kernel = kernel
        names = CodeSymbols(kernel)
        current = try? CurrentTasks(kernel)
        tasks = try? TaskList(kernel)
    }

    /// A row for each CPU.
    ///
    /// - Parameter registers: those of all CPUs, in the order of their numbers.
    public func read(_ registers: [ProcessorRegisters]) -> [RegistersRow] {
        registers.enumerated().map { number, registers in
            let task = current?.task(on: number)
            return RegistersRow(
                processor: number, registers: registers,
                task: task.flatMap { task in tasks.flatMap { try? $0.number(of: task) } },
                taskName: task.flatMap { task in tasks.flatMap { try? $0.name(of: task) } },
                name: registers.privilegeLevel == 0 ? names.name(of: registers.instruction) : nil)
        }
    }
}

/// One CPU's registers.
public struct RegistersRow: ViewRow {
    /// The CPU's number.
    public let processor: Int
    /// Its registers.
    public let registers: ProcessorRegisters
    /// The number of the task it runs, 0 for the idle task; nil if it is not known.
    public let task: Int?
    /// That task's name.
    public let taskName: String?
    /// Where in the kernel it is; nil in a program.
    public let name: NamedAddress?

    /// What a table shows of it.
    public static let columns = [
        ViewColumn("CPU", "cpu", isNumber: true), ViewColumn("MODE", "mode"),
        ViewColumn("PID", "pid", isNumber: true), ViewColumn("COMMAND", "command"), ViewColumn("RIP", "rip"),
        ViewColumn("SYMBOL", "symbol"), ViewColumn("RSP", "rsp"), ViewColumn("RBP", "rbp"),
        ViewColumn("CR3", "cr3"), ViewColumn("", "gsBase"), ViewColumn("", "general"),
        ViewColumn("", "control"),
    ]
    /// The values, in the order of the columns.
    public var cells: [ViewValue] {
        func record(_ values: [(name: String, value: UInt64)]?) -> ViewValue {
            values.map { .record($0.map { ViewField($0.name, .address($0.value)) }) } ?? .none
        }
        return [
            .number(Int64(processor)), .text(registers.privilegeLevel == 0 ? "kernel" : "user"),
            task.map { .number(Int64($0)) } ?? .none, taskName.map { .text($0) } ?? .none,
            .address(registers.instruction.rawValue), name.map { .text($0.description) } ?? .none,
            .address(registers.stack.rawValue), .address(registers.frame.rawValue), .address(registers.cr3),
            .address(registers.gsBase.rawValue), record(registers.general?.named),
            record(registers.control?.named),
        ]
    }
    /// What makes it the same thing in a later look.
    public var identity: Int { processor }
    /// What does not change as it is looked at.
    public var settled: Int { processor }
}
