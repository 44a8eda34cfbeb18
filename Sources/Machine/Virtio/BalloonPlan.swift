internal import HostSystem
internal import Specification
internal import Stats
internal import Virtio

/// How a balloon is made from its specification.
enum BalloonPlan {
    /// The section it counts in.
    static let statistics = [StatsDeclaration("balloon", BalloonShape.usual.shape)]

    /// Makes it as wished.
    static func make(
        _ spec: BalloonSpec, _ environment: DeviceEnvironment
    ) throws(MachineError) -> BalloonDevice {
        var wished = BalloonConfiguration()
        wished.targetBytes = spec.size.bytes
        wished.deflatesOnOOM = spec.deflateOnOOM
        wished.statisticsInterval = spec.statsInterval.milliseconds * 1_000_000
        wished.reportsFreePages = spec.freePageReporting
        wished.hintsFreePages = spec.freePageHinting
        do {
            return try BalloonDevice(environment, wished)
        } catch {
            throw .system(error)
        }
    }
}

extension VirtioDevices {
    /// The machine's balloon, if it has one.
    var balloon: BalloonController? {
        for (name, device) in devices {
            if let balloon = device as? BalloonDevice { return BalloonController(balloon, id: name) }
        }
        return nil
    }

    /// Has the balloon, if there is one, show what it holds among the machine's own numbers too.
    func showBallooned(in cell: StatsCell) {
        for (_, device) in devices { (device as? BalloonDevice)?.showHeld(in: cell) }
    }
}
