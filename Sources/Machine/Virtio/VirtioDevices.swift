internal import Devices
internal import GuestMemory
internal import HostSystem
internal import KVM
internal import Specification
internal import Stats
internal import Virtio

/// The virtio devices of a machine with the threads they work on.
final class VirtioDevices: Sendable {
    private let threads: IOThreads?
    private let slots: [VirtioSlot]

    /// Makes the devices in the order in which the guest finds them; nothing works before `start`.
    ///
    /// - Parameter sections: where they count, for all in turn as `VirtioDeviceSpec.statistics` declares.
    init(
        _ spec: MachineSpec, memory: PhysicalMemory, host: HostedMachine, sections: ArraySlice<StatsSection>,
        log: MachineLog
    ) throws(MachineError) {
        let wished = spec.virtioDevices
        guard !wished.isEmpty else {
            threads = nil
            slots = []
            return
        }
        do {
            let threads = try IOThreads(count: min(spec.ioThreads, wished.count))
            var builder = VirtioBuilder(memory: memory, host: host, threads: threads, log: log)
            var sections = sections
            do {
                for device in wished {
                    let count = device.statistics.count
                    try builder.add(device, sections: Array(sections.prefix(count)))
                    sections = sections.dropFirst(count)
                }
            } catch {
                for slot in builder.slots { slot.device.close() }
                throw error
            }
            slots = builder.slots
            self.threads = threads
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as MachineError {
            throw error
        } catch {
            throw .wiring("\(error)")
        }
    }

    deinit {
        // A machine that could not be made, or was never joined, leaves nothing behind either.
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

/// Makes devices one after another, each with its surroundings.
struct VirtioBuilder {
    private let memory: PhysicalMemory
    private let host: HostedMachine
    private let threads: IOThreads
    private let log: MachineLog
    private(set) var slots: [VirtioSlot] = []

    init(memory: PhysicalMemory, host: HostedMachine, threads: IOThreads, log: MachineLog) {
        self.memory = memory
        self.host = host
        self.threads = threads
        self.log = log
    }

    /// Makes a device and puts it in the next slot.
    mutating func add(_ wished: VirtioDeviceSpec, sections: [StatsSection]) throws(MachineError) {
        let index = slots.count
        let name = wished.id
        do {
            let interrupt = try DirectInterrupt()
            let deviceLog = DeviceLog(name) { [log] text in log.warning(text) }
            let environment = DeviceEnvironment(
                name: name, memory: memory, loop: threads.loop(for: index),
                signals: DeviceSignals(line: interrupt, log: deviceLog), log: deviceLog, sections: sections)
            let device = try wished.make(environment)
            try host.virtualMachine.attachInterrupt(VirtioSlot.pin(of: index), to: interrupt.event)
            slots.append(try VirtioSlot(index, environment, device, host: host, log: log))
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as KVMError {
            throw .hypervisor(error)
        } catch let error as MachineError {
            throw error
        } catch {
            throw .wiring("\(error)")
        }
    }
}
