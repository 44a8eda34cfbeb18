internal import Boot
internal import Devices
internal import GuestMemory
internal import HostSystem
internal import KVM
internal import Virtio
internal import X86

/// One virtio-mmio window with the device behind it, its bells and its interrupt.
struct VirtioSlot: Sendable {
    /// The device's name.
    let name: String
    let device: any VirtioDevice
    let signals: DeviceSignals
    let claim: BusClaim
    private let transport: MMIOTransport

    /// Where the slots are, for the ACPI tables.
    static func windows(count: Int) -> [VirtioMMIOWindow] {
        (0..<count).map { VirtioMMIOWindow(base: base(of: $0), interrupt: pin(of: $0)) }
    }

    /// The most slots there are interrupt pins for.
    static let limit = Int(PCPlatform.ioAPICPinCount - PCPlatform.firstVirtioInterrupt)

    static func base(of index: Int) -> UInt32 {
        PCPlatform.virtioWindowBase + UInt32(index) * PCPlatform.virtioWindowSize
    }

    static func pin(of index: Int) -> UInt32 {
        PCPlatform.firstVirtioInterrupt + UInt32(index)
    }

    /// Puts a device into a slot of a machine: its interrupt goes to the guest, and the kernel rings its bells.
    init(_ index: Int, _ made: PreparedDevice, host: HostedMachine, log: MachineLog) throws(KVMError) {
        let environment = made.environment
        name = environment.name
        device = made.device
        signals = environment.signals
        try host.virtualMachine.attachInterrupt(Self.pin(of: index), to: made.interrupt.event)
        let base = Self.base(of: index)
        let notifyRegister = GuestAddress(UInt64(base) + MMIOTransport.notifyOffset)
        transport = MMIOTransport(
            device: made.device, signals: environment.signals, memory: environment.memory, bells: made.bells
        ) { [bells = made.bells, loop = environment.loop, name = environment.name] queue in
            // Not on the virtual CPU's thread: the kernel may wait for a grace period.
            loop.enqueue {
                do {
                    try host.virtualMachine.attachDoorbell(
                        at: notifyRegister, value: UInt32(queue), to: bells[queue].event)
                } catch {
                    log.debug("\(name): queue \(queue) is rung by exits: \(error)")
                }
            }
        }
        claim = BusClaim(name, at: UInt64(base), size: MMIOTransport.size, device: transport)
    }

    /// The driver's reset, as by writing 0 to the status.
    func reset() {
        transport.reset()
    }
}

/// An interrupt that goes from a descriptor to the guest inside the kernel (irqfd), edge-triggered.
final class DirectInterrupt: InterruptLine {
    let event: EventDescriptor

    init() throws(SystemError) {
        event = try EventDescriptor()
    }

    func set(asserted: Bool) {
        if asserted { event.signal() }
    }

    func pulse() {
        event.signal()
    }
}
