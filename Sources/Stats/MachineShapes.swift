/// The numbers of section `machine`.
public struct MachineShape: Sendable {
    /// The one there is.
    public static let usual = MachineShape()
    /// The section's name.
    public static let section = "machine"

    /// All of them.
    public let shape: StatsShape
    /// How many virtual CPUs; their sections are `vcpu0`, `vcpu1` and so on.
    public let processors: StatsSlot
    /// The RAM the machine was made with, in bytes.
    public let configuredMemory: StatsSlot
    /// What the balloon holds, in bytes.
    public let balloonedMemory: StatsSlot
    /// Where in the process the RAM is mapped, as one range.
    public let memoryAddress: StatsSlot
    /// The descriptor of the kernel's statistics of the machine.
    public let kernelStatistics: StatsSlot

    private init() {
        var shape = StatsShape()
        processors = shape.gauge("processors")
        configuredMemory = shape.gauge("memory.configured", .bytes)
        balloonedMemory = shape.gauge("memory.ballooned", .bytes)
        memoryAddress = shape.identifier("memory.address")
        kernelStatistics = shape.identifier("kvm-descriptor")
        self.shape = shape
    }
}

/// The numbers of sections `vcpu0`, `vcpu1` and so on. The virtual CPU's thread writes them.
public struct ProcessorShape: Sendable {
    /// The one there is.
    public static let usual = ProcessorShape()
    /// What the names of exits begin with.
    public static let exitPrefix = "exits."

    /// A virtual CPU's section's name.
    public static func section(_ number: Int) -> String { "vcpu\(number)" }

    /// All of them.
    public let shape: StatsShape
    /// The thread's number, as `/proc/PID/task` has it.
    public let thread: StatsSlot
    /// When the thread began, in nanoseconds of the monotonic clock.
    public let started: StatsSlot
    /// The descriptor of the kernel's statistics of the virtual CPU.
    public let kernelStatistics: StatsSlot
    /// Exits for `in`, one a string instruction.
    public let portReads: StatsSlot
    /// Exits for `out`.
    public let portWrites: StatsSlot
    /// Exits for a load where no RAM is.
    public let memoryReads: StatsSlot
    /// Exits for a store where no RAM is.
    public let memoryWrites: StatsSlot
    /// Exits because a level-triggered interrupt was acknowledged.
    public let endsOfInterrupt: StatsSlot
    /// Exits for a signal to the thread.
    public let interruptions: StatsSlot
    /// Exits after which the guest cannot go on.
    public let others: StatsSlot

    private init() {
        var shape = StatsShape()
        thread = shape.identifier("thread")
        started = shape.identifier("started", .nanoseconds)
        kernelStatistics = shape.identifier("kvm-descriptor")
        portReads = shape.counter("exits.port-read")
        portWrites = shape.counter("exits.port-write")
        memoryReads = shape.counter("exits.memory-read")
        memoryWrites = shape.counter("exits.memory-write")
        endsOfInterrupt = shape.counter("exits.end-of-interrupt")
        interruptions = shape.counter("exits.interrupted")
        others = shape.counter("exits.other")
        self.shape = shape
    }
}

/// The numbers of section `console`. The main thread writes them.
public struct ConsoleShape: Sendable {
    /// The one there is.
    public static let usual = ConsoleShape()
    /// The section's name.
    public static let section = "console"

    /// All of them.
    public let shape: StatsShape
    /// Bytes the guest wrote, of those that were taken from it.
    public let output: StatsSlot
    /// Bytes the guest wrote that nobody read in time.
    public let dropped: StatsSlot
    /// Bytes given to the guest.
    public let input: StatsSlot

    private init() {
        var shape = StatsShape()
        output = shape.counter("output", .bytes)
        dropped = shape.counter("dropped", .bytes)
        input = shape.counter("input", .bytes)
        self.shape = shape
    }
}
