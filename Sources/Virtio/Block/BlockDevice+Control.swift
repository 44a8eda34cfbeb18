internal import Devices
internal import Stats

/// A disk as people control it while the machine runs.
final class BlockDeviceControl: DeviceControl {
    private let device: BlockDevice

    init(_ device: BlockDevice) {
        self.device = device
    }

    var id: String { device.name }
    var kind: String { "block" }

    var statusFields: [StatusField] {
        let rates = device.rates
        let counters = device.counters
        let limits: [(String, UInt64?)] = [
            ("bytesPerSecond", rates.bytesPerSecond), ("burstBytes", rates.burstBytes),
            ("operationsPerSecond", rates.operationsPerSecond), ("burstOperations", rates.burstOperations),
        ]
        let counts: [(String, StatsCell)] = [
            ("reads", counters.reads), ("readBytes", counters.readBytes), ("writes", counters.writes),
            ("writtenBytes", counters.writtenBytes), ("flushes", counters.flushes),
            ("errors", counters.errors), ("throttled", counters.throttled),
        ]
        return [
            StatusField("path", .text(device.path)), StatusField("sizeBytes", .number(device.size)),
            StatusField("readOnly", .flag(device.features.contains(.blockReadOnly))),
            StatusField("engine", .text(device.engineName)),
        ] + limits.compactMap { name, limit in limit.map { StatusField(name, .number($0)) } }
            + counts.map { StatusField($0, .number($1.value)) }
    }

    /// A rate that is given without a burst gets the usual one, a tenth of a second's worth; so does one
    /// whose burst is taken away.
    func setLimits(_ change: DeviceLimits) throws(DeviceControlError) {
        var rates = device.rates
        try Self.change(&rates.bytesPerSecond, &rates.burstBytes, change.bytesPerSecond, change.burstBytes)
        try Self.change(
            &rates.operationsPerSecond, &rates.burstOperations, change.operationsPerSecond,
            change.burstOperations)
        device.setRates(rates)
    }

    private static func change(
        _ rate: inout UInt64?, _ burst: inout UInt64?, _ newRate: UInt64?, _ newBurst: UInt64?
    ) throws(DeviceControlError) {
        if let newRate {
            rate = newRate > 0 ? newRate : nil
            burst = nil
        }
        if let newBurst {
            guard rate != nil || newBurst == 0 else {
                throw .invalid("a burst is of a limit, and there is none")
            }
            burst = newBurst > 0 ? newBurst : nil
        }
        if let rate, burst == nil { burst = rate / 10 + (rate.isMultiple(of: 10) ? 0 : 1) }
        if rate == nil { burst = nil }
    }
}
