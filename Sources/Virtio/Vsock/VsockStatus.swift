internal import Devices

/// A socket device as people see it while the machine runs.
final class VsockStatus: DeviceControl {
    private let device: VsockDevice

    /// The status of a device.
    init(_ device: VsockDevice) {
        self.device = device
    }

    /// The device's name.
    var id: String { device.environment.name }
    /// Socket.
    var kind: String { "vsock" }

    /// Where it is reached, and how busy it is.
    var statusFields: [StatusField] {
        let counts = device.counts
        return [
            StatusField("cid", .number(UInt64(device.configuration.guestCID))),
            StatusField("path", .text(device.configuration.path)),
            StatusField("streams", .number(counts.streams)),
            StatusField("bytesFromGuest", .number(counts.bytesFromGuest)),
            StatusField("bytesToGuest", .number(counts.bytesToGuest)),
        ]
    }
}
