internal import HostSystem
internal import Specification
internal import Stats
internal import Virtio

/// The socket device as a specification wishes it.
enum VsockPlan {
    /// One section.
    static let statistics = [StatsDeclaration(VsockShape.section, VsockShape.usual.shape)]

    /// Listens at the path and makes the device.
    static func make(
        _ wished: VsockSpec, _ environment: DeviceEnvironment
    ) throws(MachineError) -> VsockDevice {
        do {
            // Each stream has a descriptor.
            try DescriptorLimit.raise()
        } catch {
            throw .system(error)
        }
        do {
            return try VsockDevice(
                VsockConfiguration(guestCID: wished.cid, path: wished.path), environment)
        } catch {
            throw .output(error)
        }
    }
}
