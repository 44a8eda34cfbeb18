internal import Devices
internal import Specification
internal import Stats
internal import Virtio

extension VirtioDeviceSpec {
    /// The sections the device counts in on the stats page; it gets them in this order.
    var statistics: [StatsDeclaration] {
        switch self {
        case .disk(let disk): [StatsDeclaration(BlockShape.section(disk.id), BlockShape.usual.shape)]
        case .net(let net, _): [StatsDeclaration(NetworkShape.section(net.id), NetworkShape.usual.shape)]
        case .balloon: BalloonPlan.statistics
        case .rng: EntropyPlan.statistics
        case .console: ConsolePlan.statistics
        case .vsock: VsockPlan.statistics
        }
    }

    /// Makes the device as wished.
    ///
    /// - Throws: what the host lacks for it, in words for the user.
    func make(_ environment: DeviceEnvironment) throws(MachineError) -> any VirtioDevice {
        switch self {
        case .disk(let disk): try disk.makeDevice(environment)
        case .net(let net, let mac): try net.makeDevice(environment, mac: mac)
        case .balloon(let wished): try BalloonPlan.make(wished, environment)
        case .rng(let wished): try EntropyPlan.make(wished, environment)
        case .console: try ConsolePlan.make(environment)
        case .vsock(let wished): try VsockPlan.make(wished, environment)
        }
    }
}
