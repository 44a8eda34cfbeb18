internal import Devices
internal import HostSystem
internal import KVM
internal import X86

/// The kernel's virtual machine with several users: virtual CPUs, interrupts, whoever looks at it.
final class HostedMachine: Sendable {
    let virtualMachine: VirtualMachine

    init(_ virtualMachine: consuming VirtualMachine) {
        self.virtualMachine = virtualMachine
    }
}

/// Carries the I/O APIC's messages to the local APICs in the kernel.
final class InterruptBridge: MessageSink {
    private let machine: HostedMachine
    private let log: MachineLog
    /// What the kernel knows: pins with an interrupt descriptor, and the level-triggered ones, whose end
    /// of interrupt it must report.
    private let routes = Guarded([InterruptMessage?](repeating: nil, count: IOAPIC.pinCount))
    /// The pins that descriptors raise, past the I/O APIC.
    private let directPins: Range<Int>

    /// - Parameter directPins: the pins that have an interrupt descriptor.
    init(_ machine: HostedMachine, directPins: Range<Int>, log: MachineLog) {
        self.machine = machine
        self.directPins = directPins
        self.log = log
    }

    func send(_ message: InterruptMessage) -> Bool {
        do {
            return try machine.virtualMachine.signal(message)
        } catch {
            log.warning("an interrupt was lost: \(error)")
            return false
        }
    }

    /// Edge-triggered pins without a descriptor go by `send` alone, and cost no system call here.
    func routeChanged(pin: Int, to route: IOAPICRoute) {
        routes.withLock { routes in
            guard routes.indices.contains(pin) else { return }
            let isDirect = directPins.contains(pin) && !route.isMasked
            let wanted = route.isLevelTriggered || isDirect ? route.message : nil
            guard routes[pin] != wanted else { return }
            routes[pin] = wanted
            do {
                try machine.virtualMachine.setInterruptRouting(routes)
            } catch {
                log.warning("the guest's interrupt \(pin) cannot be routed: \(error)")
            }
        }
    }
}
