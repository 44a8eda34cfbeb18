internal import Devices
internal import HostSystem
internal import Stats

/// A network device as people control it while the machine runs.
final class NetworkDeviceControl: DeviceControl {
    private let device: NetworkDevice

    init(_ device: NetworkDevice) {
        self.device = device
    }

    var id: String { device.environment.name }
    var kind: String { "net" }

    var statusFields: [StatusField] {
        let limits = device.limits
        var fields = [
            StatusField("tap", .text(device.tap.name)), StatusField("mac", .text(device.currentAddress)),
            StatusField("linkUp", .flag(device.isLinkUp)),
            StatusField("receivedFrames", .number(device.counters.receivedFrames.value)),
            StatusField("receivedBytes", .number(device.counters.receivedBytes.value)),
            StatusField("sentFrames", .number(device.counters.sentFrames.value)),
            StatusField("sentBytes", .number(device.counters.sentBytes.value)),
        ]
        for (name, rate) in [
            ("receiveBytesPerSecond", limits.receiveBytes),
            ("receivePacketsPerSecond", limits.receivePackets),
            ("sendBytesPerSecond", limits.sendBytes), ("sendPacketsPerSecond", limits.sendPackets),
        ] {
            if let rate { fields.append(StatusField(name, .number(rate.perSecond))) }
        }
        return fields
    }

    /// A limit given here is one for each way.
    func setLimits(_ change: DeviceLimits) throws(DeviceControlError) {
        var limits = device.limits
        try Self.apply(
            change.bytesPerSecond, change.burstBytes, to: &limits.receiveBytes, &limits.sendBytes, "bytes")
        try Self.apply(
            change.operationsPerSecond, change.burstOperations, to: &limits.receivePackets,
            &limits.sendPackets, "packets")
        device.setLimits(limits)
    }

    private static func apply(
        _ perSecond: UInt64?, _ burst: UInt64?, to receive: inout NetworkLimits.Rate?,
        _ send: inout NetworkLimits.Rate?, _ unit: String
    ) throws(DeviceControlError) {
        if let perSecond {
            receive = perSecond == 0 ? nil : NetworkLimits.Rate(perSecond: perSecond, burst: burst)
            send = receive
        } else if let burst {
            guard receive != nil || send != nil else {
                throw .invalid("a burst of \(unit) needs a limit of \(unit) a second")
            }
            receive?.burst = burst
            send?.burst = burst
        }
    }
}
