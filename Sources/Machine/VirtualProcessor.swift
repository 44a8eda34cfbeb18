internal import Devices
internal import GuestMemory
internal import HostSystem
internal import KVM
internal import Stats
internal import Synchronization

/// What a virtual CPU's run loop reaches: the buses, the interrupt controller, and the machine's end.
struct ProcessorSurroundings: Sendable {
    let ports: PortBus
    let memoryDevices: MemoryBus
    let interruptController: IOAPIC
    let control: RunControl
    /// Ends the machine; the first call counts.
    let end: @Sendable (MachineEnd) -> Void
}

/// One virtual CPU with the thread that runs it.
final class VirtualProcessor: Sendable {
    let cpu: VirtualCPU
    private let counters: ProcessorCounters
    private let kernelStatistics: KernelStatistics
    private let thread = Mutex<HostThread?>(nil)

    init(_ cpu: consuming VirtualCPU, _ counters: ProcessorCounters) {
        // Now: once the virtual CPU runs, it answers no such call.
        let statistics = KernelStatistics { () throws(KVMError) in try cpu.makeStatisticsDescriptor() }
        counters.publish(statistics)
        kernelStatistics = consume statistics
        self.counters = counters
        self.cpu = cpu
    }

    /// Starts the thread, named after the virtual CPU as `ps -L` shows it.
    func start(_ surroundings: ProcessorSurroundings) throws(SystemError) {
        // With the lock held, so that a kick never finds a thread that runs and is not known yet.
        try thread.withLock { (thread) throws(SystemError) in
            thread = try HostThread(name: "vcpu\(cpu.number)") { [self] in
                counters.beginThread()
                run(surroundings)
                surroundings.control.leave()
            }
        }
    }

    /// Gets the virtual CPU out of the kernel, now or when it next enters.
    func kick() {
        cpu.requestExit()
        thread.withLock { $0?.kick() }
    }

    /// Waits for the thread's end, if it was started.
    func join() {
        let started = thread.withLock { $0.take() }
        started?.join()
    }
}

extension VirtualProcessor {
    /// The run loop: enter the guest, do what it needs, again. Allocates nothing on its usual path.
    private func run(_ surroundings: ProcessorSurroundings) {
        let control = surroundings.control
        do {
            while true {
                let isParking = control.shouldPark
                // With the request, the kernel completes the instruction whose exit was just answered and
                // no more: the registers of a paused machine are those behind it.
                if isParking { cpu.requestExit() }
                let exit = try cpu.run()
                // Matched, not compared: `==` would have every exit built in memory.
                if isParking, case .interrupted = exit {
                    guard control.park() else { return }
                    cpu.clearExitRequest()
                    continue
                }
                // The only call: inlined, so that the exit is never built in memory.
                guard handle(exit, surroundings) else { return }
            }
        } catch {
            surroundings.end(.failed(.hypervisor(error)))
        }
    }

    /// Does what an exit asks for.
    ///
    /// - Returns: whether to go on; if not, the machine has been told to end.
    @inline(__always)
    private func handle(_ exit: VMExit, _ surroundings: ProcessorSurroundings) -> Bool {
        switch exit {
        case .portWrite(let access):
            counters.portWrites.add()
            return write(access, surroundings)
        case .portRead(let access):
            counters.portReads.add()
            read(access, from: surroundings.ports)
            return true
        case .memoryWrite(let address, let size, let value):
            counters.memoryWrites.add()
            let width = AccessWidth(covering: size)
            return carryOut(
                surroundings.memoryDevices.write(address, width: width, value: value), surroundings)
        case .memoryRead(let address, let size):
            counters.memoryReads.add()
            cpu.answerMemory(surroundings.memoryDevices.read(address, width: AccessWidth(covering: size)))
            return true
        case .endOfInterrupt(let vector):
            counters.endsOfInterrupt.add()
            surroundings.interruptController.endOfInterrupt(vector: vector)
            return true
        case .interrupted:
            counters.interruptions.add()
            return true
        case .halted, .shutdown, .systemEvent, .failedEntry, .internalError, .unknown:
            counters.others.add()
            surroundings.end(lastEnd(exit))
            return false
        }
    }

    @inline(__always)
    private func write(_ access: PortAccess, _ surroundings: ProcessorSurroundings) -> Bool {
        let width = AccessWidth(covering: access.size)
        var index: UInt32 = 0
        while index < access.count {
            let value = cpu.portValue(access, index: index)
            let effect = surroundings.ports.write(port: access.port, width: width, value: value)
            guard carryOut(effect, surroundings) else { return false }
            index &+= 1
        }
        return true
    }

    @inline(__always)
    private func read(_ access: PortAccess, from ports: PortBus) {
        let width = AccessWidth(covering: access.size)
        var index: UInt32 = 0
        while index < access.count {
            cpu.answerPort(access, index: index, ports.read(port: access.port, width: width))
            index &+= 1
        }
    }

    /// What a device's write asks for: nothing, or the machine's end.
    @inline(__always)
    private func carryOut(_ effect: BusEffect, _ surroundings: ProcessorSurroundings) -> Bool {
        guard case .end(let request) = effect else { return true }
        surroundings.end(MachineEnd(request))
        return false
    }

    /// The end that an exit means after which a guest cannot go on.
    @inline(never)
    private func lastEnd(_ exit: VMExit) -> MachineEnd {
        switch exit {
        case .shutdown: .crash(report(.tripleFault))
        case .internalError(let suberror):
            suberror == VMExit.emulationSuberror
                ? .crash(report(.emulationFailure(instruction: cpu.failedInstruction)))
                : .crash(report(.internalError(suberror)))
        case .failedEntry(let reason): .crash(report(.failedEntry(reason)))
        case .systemEvent(type: VMExit.shutdownEvent): .powerOff
        case .systemEvent(type: VMExit.resetEvent): .reset
        default: .crash(report(.unknownExit(exit)))
        }
    }

    private func report(_ cause: CrashReport.Cause) -> CrashReport {
        // A guest in this state may have no readable registers; the report then says so.
        let general = try? cpu.generalRegisters()
        let special = try? cpu.specialRegisters()
        return CrashReport(cause: cause, processor: cpu.number, general: general, special: special)
    }
}

extension MachineEnd {
    /// The end a device asks for.
    init(_ request: EndRequest) {
        switch request {
        case .powerOff: self = .powerOff
        case .reset: self = .reset
        case .guestExit(let value): self = .guestExit(value)
        }
    }
}

extension AccessWidth {
    /// The width of an access of so many bytes; the kernel splits anything else before it gets here.
    @inline(__always)
    init(covering size: Int) {
        switch size {
        case 1: self = .byte
        case 2: self = .word
        case 3, 4: self = .doubleWord
        default: self = .quadWord
        }
    }
}
