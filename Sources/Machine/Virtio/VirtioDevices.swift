internal import Devices
internal import GuestMemory
internal import HostSystem
internal import KVM
internal import Specification
internal import Stats
internal import Virtio

/// The virtio devices of a machine on their way: a thread makes them. `finish` or `abandon` ends that.
struct VirtioConstruction {
    private let threads: IOThreads
    private let preparation: DevicePreparation

    /// Begins to make the devices, in the order in which the guest finds them.
    ///
    /// - Parameter sections: where they count, for all in turn as `VirtioDeviceSpec.statistics` declares.
    /// - Returns: nil for a machine without any.
    static func begin(
        _ spec: MachineSpec, memory: PhysicalMemory, sections: ArraySlice<StatsSection>, log: MachineLog
    ) throws(MachineError) -> VirtioConstruction? {
        let wished = spec.virtioDevices
        guard !wished.isEmpty else { return nil }
        do {
            let threads = try IOThreads(count: min(spec.ioThreads, wished.count))
            let preparation = DevicePreparation(memory: memory, log: log)
            try threads.begin { preparation.make(wished, on: threads, sections) }
            return VirtioConstruction(threads: threads, preparation: preparation)
        } catch {
            throw .system(error)
        }
    }

    /// Waits for the devices and gives them to the virtual machine; nothing works before `start`.
    ///
    /// - Throws: what the host lacks for the first that could not be made.
    func finish(_ host: HostedMachine, _ log: MachineLog) throws(MachineError) -> VirtioDevices {
        let devices: [PreparedDevice]
        do {
            devices = try preparation.finish()
        } catch {
            threads.stop()
            throw error
        }
        do throws(KVMError) {
            var slots: [VirtioSlot] = []
            for (index, made) in devices.enumerated() {
                slots.append(try VirtioSlot(index, made, host: host, log: log))
            }
            return VirtioDevices(threads, slots)
        } catch {
            threads.stop()
            for made in devices { made.device.close() }
            throw .hypervisor(error)
        }
    }

    /// The machine is not to be: nothing of the devices stays behind.
    func abandon() {
        // A device that could not be made either has left nothing.
        let devices = try? preparation.finish()
        threads.stop()
        for made in devices ?? [] { made.device.close() }
    }
}

/// The virtio devices of a machine with the threads they work on.
final class VirtioDevices: Sendable {
    private let threads: IOThreads?
    private let slots: [VirtioSlot]

    /// - Parameter threads: the ones the devices in the slots work on.
    init(_ threads: IOThreads?, _ slots: [VirtioSlot]) {
        self.threads = threads
        self.slots = slots
    }

    deinit {
        // A machine that was never joined leaves nothing behind either.
        threads?.stop()
        for slot in slots { slot.device.close() }
    }

    /// The devices with their names, in the order in which the guest finds them.
    var devices: [(name: String, device: any VirtioDevice)] { slots.map { ($0.name, $0.device) } }

    /// The windows, for the memory bus.
    var claims: [BusClaim] { slots.map(\.claim) }

    /// The I/O APIC's pins that the devices raise by descriptors.
    var interruptPins: Range<Int> {
        Int(VirtioSlot.pin(of: 0))..<Int(VirtioSlot.pin(of: slots.count))
    }

    /// The devices that people can control, in the order in which the guest finds them.
    var controls: [any DeviceControl] { slots.compactMap(\.device.control) }

    /// Starts the threads. Once.
    func start() throws(SystemError) {
        try threads?.start()
    }

    /// Ends the threads: from then on no device acts.
    func stop() {
        threads?.stop()
        for slot in slots { slot.device.close() }
    }

    /// All quiet; every virtual CPU waits at the barrier.
    func pause() {
        for slot in slots { slot.device.pause() }
    }

    /// On again.
    func resume() {
        for slot in slots { slot.device.resume() }
    }
}
