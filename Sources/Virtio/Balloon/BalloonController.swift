public import Devices
internal import HostSystem

/// A balloon as people control it.
public final class BalloonController: DeviceControl, BalloonControl {
    private let device: BalloonDevice

    /// For a device that has a name in its machine.
    public init(_ device: BalloonDevice, id: String) {
        self.device = device
        self.id = id
    }

    /// Its name in the machine.
    public let id: String
    /// `balloon`.
    public var kind: String { "balloon" }

    /// Bytes it shall take from the guest.
    public var targetBytes: UInt64 { device.targetBytes }
    /// Bytes it holds now, by our own count: those given back to the host and not taken again.
    public var actualBytes: UInt64 { device.heldBytes }

    /// Target, content and what became of the guest's requests.
    public var statusFields: [StatusField] {
        let figures = device.figures
        return [
            StatusField("targetBytes", .number(targetBytes)),
            StatusField("actualBytes", .number(actualBytes)),
            StatusField("claimedBytes", .number(device.claimedBytes)),
            StatusField("reportedBytes", .number(figures.reportedPages &* 4096)),
            StatusField("hintedBytes", .number(figures.hintedPages &* 4096)),
            StatusField("ignoredPages", .number(figures.ignoredPages)),
            StatusField("refusedPages", .number(figures.refusedPages)),
        ]
    }

    /// What the guest told last, and how long ago it told the oldest of that; empty if it told nothing.
    public var statistics: [StatusField] {
        let told = device.guestStatistics
        var fields: [StatusField] = []
        var oldest = UInt64.max
        for statistic in GuestStatistic.allCases {
            guard let entry = told[statistic] else { continue }
            fields.append(StatusField(statistic.fieldName, .number(entry.value)))
            oldest = min(oldest, entry.time)
        }
        if !fields.isEmpty {
            let age = HostClock.monotonicNanoseconds() &- oldest
            fields.append(StatusField("ageMilliseconds", .number(age / 1_000_000)))
        }
        return fields
    }

    /// Sets how much it shall take from the guest.
    public func setTarget(bytes: UInt64) throws(DeviceControlError) {
        do {
            try device.setTarget(bytes: bytes)
        } catch {
            throw .invalid("\(error)")
        }
    }
}

extension GuestStatistic {
    /// Its name in a status.
    var fieldName: String {
        switch self {
        case .swappedIn: "swappedInBytes"
        case .swappedOut: "swappedOutBytes"
        case .majorFaults: "majorFaults"
        case .minorFaults: "minorFaults"
        case .free: "freeBytes"
        case .total: "totalBytes"
        case .available: "availableBytes"
        case .caches: "cacheBytes"
        case .hugePageAllocations: "hugePageAllocations"
        case .hugePageFailures: "hugePageFailures"
        case .oomKills: "oomKills"
        case .allocationStalls: "allocationStalls"
        case .backgroundScans: "backgroundScans"
        case .directScans: "directScans"
        case .backgroundReclaims: "backgroundReclaims"
        case .directReclaims: "directReclaims"
        }
    }
}

extension BalloonDevice {
    /// For a status.
    public var control: (any DeviceControl)? { BalloonController(self, id: environment.name) }
}
