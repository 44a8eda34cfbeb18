internal import Devices
internal import GuestMemory
internal import HostSystem
internal import KVM
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
    private let thread = Mutex<HostThread?>(nil)

    init(_ cpu: consuming VirtualCPU) {
        self.cpu = cpu
    }

    /// Starts the thread, named after the virtual CPU as `ps -L` shows it.
    func start(_ surroundings: ProcessorSurroundings) throws(SystemError) {
        let started = try HostThread(name: "vcpu\(cpu.number)") { [self] in
            run(surroundings)
            surroundings.control.leave()
        }
        thread.withLock { $0 = started }
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
                if control.shouldPark {
                    try finishPendingAccess()
                    guard control.park() else { return }
                    cpu.clearExitRequest()
                    continue
                }
                let exit = try cpu.run()
                if let end = handle(exit, surroundings) {
                    surroundings.end(end)
                    return
                }
            }
        } catch {
            surroundings.end(.failed(.hypervisor(error)))
        }
    }

    /// Lets the kernel complete the instruction whose exit was just answered, so that the registers of
    /// a paused machine are those behind it.
    private func finishPendingAccess() throws(KVMError) {
        cpu.requestExit()
        _ = try cpu.run()
    }

    /// Does what an exit asks for.
    ///
    /// - Returns: the machine's end, if that is what it means.
    @inline(__always)
    private func handle(_ exit: VMExit, _ surroundings: ProcessorSurroundings) -> MachineEnd? {
        switch exit {
        case .portWrite(let access):
            return write(access, to: surroundings.ports)
        case .portRead(let access):
            read(access, from: surroundings.ports)
            return nil
        case .memoryWrite(let address, let size, let value):
            let width = AccessWidth(covering: size)
            return MachineEnd(surroundings.memoryDevices.write(address, width: width, value: value))
        case .memoryRead(let address, let size):
            cpu.answerMemory(surroundings.memoryDevices.read(address, width: AccessWidth(covering: size)))
            return nil
        case .endOfInterrupt(let vector):
            surroundings.interruptController.endOfInterrupt(vector: vector)
            return nil
        case .interrupted:
            return nil
        default:
            return unusual(exit)
        }
    }

    @inline(__always)
    private func write(_ access: PortAccess, to ports: PortBus) -> MachineEnd? {
        let width = AccessWidth(covering: access.size)
        for index in 0..<access.count {
            let effect = ports.write(
                port: access.port, width: width, value: cpu.portValue(access, index: index))
            if let end = MachineEnd(effect) { return end }
        }
        return nil
    }

    @inline(__always)
    private func read(_ access: PortAccess, from ports: PortBus) {
        let width = AccessWidth(covering: access.size)
        for index in 0..<access.count {
            cpu.answerPort(access, index: index, ports.read(port: access.port, width: width))
        }
    }

    /// The exits after which a guest cannot go on.
    @inline(never)
    private func unusual(_ exit: VMExit) -> MachineEnd? {
        switch exit {
        case .shutdown: .crash(report(.tripleFault))
        case .internalError(let suberror):
            suberror == 1
                ? .crash(report(.emulationFailure(instruction: cpu.failedInstruction)))
                : .crash(report(.internalError(suberror)))
        case .failedEntry(let reason): .crash(report(.failedEntry(reason)))
        case .unknown(let reason): .crash(report(.unknownExit(reason)))
        case .systemEvent(let type):
            type == 1 ? .powerOff : type == 2 ? .reset : .crash(report(.unknownExit(24)))
        case .halted: .crash(report(.unknownExit(5)))
        case .portRead, .portWrite, .memoryRead, .memoryWrite, .endOfInterrupt, .interrupted: nil
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
    /// What a device's write asks for, if that is an end.
    @inline(__always)
    init?(_ effect: BusEffect) {
        switch effect {
        case .none: return nil
        case .end(.powerOff): self = .powerOff
        case .end(.reset): self = .reset
        case .end(.guestExit(let value)): self = .guestExit(value)
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
