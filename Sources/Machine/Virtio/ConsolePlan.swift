internal import HostSystem
internal import Stats
internal import Virtio

/// How the virtio console is made.
enum ConsolePlan {
    /// The section it counts in.
    static let statistics = [StatsDeclaration("virtio-console", ConsoleDeviceShape.usual.shape)]

    /// Makes it; where it goes is the supervisor's to see to.
    static func make(_ environment: DeviceEnvironment) throws(MachineError) -> ConsoleDevice {
        do {
            return try ConsoleDevice(environment)
        } catch {
            throw .system(error)
        }
    }
}

extension VirtioDevices {
    /// The machine's virtio console, if it has one.
    var console: ConsoleDevice? {
        for (_, device) in devices {
            if let console = device as? ConsoleDevice { return console }
        }
        return nil
    }
}
