public import Devices

/// An entropy device as people control it.
public final class EntropyController: DeviceControl {
    private let device: EntropyDevice

    /// For a device that has a name in its machine.
    public init(_ device: EntropyDevice, id: String) {
        self.device = device
        self.id = id
    }

    /// Its name in the machine.
    public let id: String
    /// `rng`.
    public var kind: String { "rng" }

    /// What it gave, and its limit; 0 is none.
    public var statusFields: [StatusField] {
        let limit = device.limit
        return [
            StatusField("givenBytes", .number(device.givenBytes)),
            StatusField("bytesPerSecond", .number(limit?.bytesPerSecond ?? 0)),
            StatusField("burstBytes", .number(limit?.burst ?? 0)),
        ]
    }

    /// Changes how many bytes it gives.
    public func setLimits(_ change: DeviceLimits) throws(DeviceControlError) {
        guard change.operationsPerSecond == nil, change.burstOperations == nil else {
            throw .notSupported("\(id) has a limit of bytes alone")
        }
        let now = device.limit
        guard change.bytesPerSecond != nil || change.burstBytes != nil else { return }
        let rate = change.bytesPerSecond ?? now?.bytesPerSecond ?? 0
        guard rate > 0 || change.burstBytes == nil || change.burstBytes == 0 else {
            throw .invalid("\(id) has no limit of bytes that a burst could belong to")
        }
        // A burst belongs to its rate: a new rate without one gets what is usual.
        device.setLimit(bytesPerSecond: rate, burst: change.burstBytes == 0 ? nil : change.burstBytes)
    }
}

extension EntropyDevice {
    /// For a status.
    public var control: (any DeviceControl)? { EntropyController(self, id: environment.name) }
}
