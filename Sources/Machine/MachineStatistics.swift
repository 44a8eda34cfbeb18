internal import Glibc
internal import GuestMemory
internal import HostSystem
internal import KVM
internal import Specification
internal import Stages
internal import Stats

/// A machine's stats page, and what the machine itself counts there. Devices count in sections of their own.
final class MachineStatistics: Sendable {
    let page: StatsPage
    let console: ConsoleCounters
    /// Requests of the control socket.
    let control: StageMeter
    /// What the balloon holds, in bytes; the balloon writes it.
    let balloonedMemory: StatsCell
    private let kernel = Guarded<KernelStatistics?>(nil)
    private let kernelCell: StatsCell

    /// Makes the page.
    ///
    /// - Parameters:
    ///   - devices: the sections that devices want.
    ///   - path: the page's file; nil for memory that nobody else reads.
    init(
        _ spec: MachineSpec, memory: PhysicalMemory, devices: [StatsDeclaration], path: String?
    ) throws(MachineError) {
        var declarations = [
            StatsDeclaration(MachineShape.section, MachineShape.usual.shape),
            StatsDeclaration(ConsoleShape.section, ConsoleShape.usual.shape),
            StatsDeclaration("control", StageShape.usual.shape),
        ]
        for number in 0..<spec.cpus {
            declarations.append(
                StatsDeclaration(ProcessorShape.section(number), ProcessorShape.usual.shape))
        }
        do {
            page = try Self.makePage(declarations + devices, path)
        } catch {
            throw .output(error)
        }
        self.devices = page.sections[(3 + spec.cpus)...]
        let section = page.sections[0]
        let shape = MachineShape.usual
        section[shape.processors].set(UInt64(spec.cpus))
        section[shape.configuredMemory].set(memory.layout.size)
        let address = try? memory.hostAddress(of: memory.layout.low)
        section[shape.memoryAddress].set(address ?? StatsCell.nothing)
        balloonedMemory = section[shape.balloonedMemory]
        kernelCell = section[shape.kernelStatistics]
        kernelCell.set(StatsCell.nothing)
        console = ConsoleCounters(page.sections[1])
        control = StageMeter(page.sections[2])
    }

    private static func makePage(
        _ declarations: [StatsDeclaration], _ path: String?
    ) throws(SystemError) -> StatsPage {
        do {
            return try StatsPage(declarations, path: path)
        } catch  where error.number == EEXIST {
            // A killed process left it: the run directory's lock says that nobody lives who writes it.
            if let path { FileTree.remove(path) }
            return try StatsPage(declarations, path: path)
        }
    }

    /// Says where the kernel's numbers of the virtual machine are. When it runs already: who reads them comes later.
    func showKernel(of host: HostedMachine) {
        kernel.withLock { kernel in
            let descriptor = KernelStatistics { () throws(KVMError) in
                try host.virtualMachine.makeStatisticsDescriptor()
            }
            kernelCell.set(descriptor.number)
            kernel = consume descriptor
        }
    }

    /// The sections that devices want, in the order they were declared.
    let devices: ArraySlice<StatsSection>

    /// The section of a virtual CPU.
    func processor(_ number: Int) -> StatsSection { page.sections[3 + number] }
}

/// What of the console the main thread counts.
struct ConsoleCounters: Sendable {
    let output: StatsCell
    let dropped: StatsCell
    let input: StatsCell

    init(_ section: StatsSection) {
        let shape = ConsoleShape.usual
        output = section[shape.output]
        dropped = section[shape.dropped]
        input = section[shape.input]
    }
}

/// A virtual CPU's cells: one store an exit, by the thread that runs it.
struct ProcessorCounters: Sendable {
    let portReads: StatsCell
    let portWrites: StatsCell
    let memoryReads: StatsCell
    let memoryWrites: StatsCell
    let endsOfInterrupt: StatsCell
    let interruptions: StatsCell
    let others: StatsCell
    private let thread: StatsCell
    private let started: StatsCell
    private let kernelStatistics: StatsCell

    init(_ section: StatsSection) {
        let shape = ProcessorShape.usual
        portReads = section[shape.portReads]
        portWrites = section[shape.portWrites]
        memoryReads = section[shape.memoryReads]
        memoryWrites = section[shape.memoryWrites]
        endsOfInterrupt = section[shape.endsOfInterrupt]
        interruptions = section[shape.interruptions]
        others = section[shape.others]
        thread = section[shape.thread]
        started = section[shape.started]
        kernelStatistics = section[shape.kernelStatistics]
        for cell in [thread, started, kernelStatistics] { cell.set(StatsCell.nothing) }
    }

    /// Says where the kernel's numbers of this virtual CPU are.
    func publish(_ kernel: borrowing KernelStatistics) {
        kernelStatistics.set(kernel.number)
    }

    /// Says that the calling thread runs the virtual CPU.
    func beginThread() {
        started.set(HostClock.monotonicNanoseconds())
        thread.set(UInt64(HostThread.currentIdentifier))
    }
}

/// The descriptor of the kernel's own numbers, which this process keeps for readers that borrow it and never
/// reads itself.
struct KernelStatistics: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor?
    /// Its number for the stats page; `StatsCell.nothing` if there is none.
    let number: UInt64

    /// - Parameter make: throws on a kernel before 5.14. The machine then does without, and so do readers.
    init(_ make: () throws(KVMError) -> OwnedDescriptor) {
        do {
            let descriptor = try make()
            number = UInt64(descriptor.number)
            self.descriptor = consume descriptor
        } catch {
            number = StatsCell.nothing
            descriptor = nil
        }
    }
}
