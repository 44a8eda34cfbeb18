internal import Devices
internal import KVM
internal import Synchronization
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
    /// What the kernel knows: the level-triggered pins, whose end of interrupt it must report.
    private let routes = Mutex([InterruptMessage?](repeating: nil, count: IOAPIC.pinCount))

    init(_ machine: HostedMachine, log: MachineLog) {
        self.machine = machine
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

    /// Edge-triggered pins go by `send` alone, so most changes cost no system call.
    func routeChanged(pin: Int, to route: IOAPICRoute) {
        routes.withLock { routes in
            guard routes.indices.contains(pin) else { return }
            let wanted = route.isLevelTriggered ? route.message : nil
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
