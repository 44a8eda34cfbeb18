internal import GuestMemory
internal import HostSystem
internal import Specification
internal import Stats
internal import Virtio

/// A device with all it needs of the host but the virtual machine, which may not be there yet.
struct PreparedDevice: Sendable {
    let environment: DeviceEnvironment
    let device: any VirtioDevice
    let interrupt: DirectInterrupt
    /// One for each queue, heard by the device's loop.
    let bells: [QueueBell]

    /// Makes the device as wished.
    init(
        _ wished: VirtioDeviceSpec, _ interrupt: DirectInterrupt, _ environment: DeviceEnvironment
    ) throws(MachineError) {
        self.environment = environment
        self.interrupt = interrupt
        let device = try wished.make(environment)
        self.device = device
        do {
            bells = try Self.bells(of: device, on: environment.loop)
        } catch {
            device.close()
            throw .system(error)
        }
    }

    private static func bells(
        of device: any VirtioDevice, on loop: EventLoop
    ) throws(SystemError) -> [QueueBell] {
        var bells: [QueueBell] = []
        for queue in device.queueSizes.indices {
            let bell = try QueueBell()
            // The loop lives as long as the machine, and so does the registration.
            _ = try loop.watch(bell.event.descriptor.number, for: [.readable, .edgeTriggered]) { _ in
                device.queueNotified(queue)
            }
            bells.append(bell)
        }
        return bells
    }
}

/// Makes a machine's devices one after another, each with its surroundings, on a thread of its own: what
/// the host takes its time for (a tap, a socket, an image) goes on while KVM makes the machine.
final class DevicePreparation: Sendable {
    /// Not a `Result`: see `ParallelWork`.
    private enum Outcome: Sendable {
        case made([PreparedDevice])
        case failed(MachineError)
    }

    private let outcome = Monitor<Outcome?>(nil)
    private let memory: PhysicalMemory
    private let log: MachineLog

    init(memory: PhysicalMemory, log: MachineLog) {
        self.memory = memory
        self.log = log
    }

    /// Makes them, in the order in which the guest finds them, and hands them to whoever waits.
    ///
    /// - Parameter sections: where they count, for all in turn as `VirtioDeviceSpec.statistics` declares.
    func make(_ wished: [VirtioDeviceSpec], on threads: IOThreads, _ sections: ArraySlice<StatsSection>) {
        var devices: [PreparedDevice] = []
        var sections = sections
        do throws(MachineError) {
            for device in wished {
                let count = device.statistics.count
                let loop = threads.loop(for: devices.count)
                devices.append(try make(device, on: loop, Array(sections.prefix(count))))
                sections = sections.dropFirst(count)
            }
            outcome.update { [devices] in $0 = .made(devices) }
        } catch {
            for made in devices { made.device.close() }
            outcome.update { $0 = .failed(error) }
        }
    }

    private func make(
        _ wished: VirtioDeviceSpec, on loop: EventLoop, _ sections: [StatsSection]
    ) throws(MachineError) -> PreparedDevice {
        let interrupt: DirectInterrupt
        do {
            interrupt = try DirectInterrupt()
        } catch {
            throw .system(error)
        }
        let deviceLog = DeviceLog(wished.id) { [log] text in log.warning(text) }
        let environment = DeviceEnvironment(
            name: wished.id, memory: memory, loop: loop,
            signals: DeviceSignals(line: interrupt, log: deviceLog), log: deviceLog, sections: sections)
        return try PreparedDevice(wished, interrupt, environment)
    }

    /// Waits until they are made.
    func finish() throws(MachineError) -> [PreparedDevice] {
        let outcome = outcome.wait { $0 }
        switch outcome {
        case .made(let devices): return devices
        case .failed(let error): throw error
        }
    }
}
