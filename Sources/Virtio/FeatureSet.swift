/// Feature bits, as device and driver negotiate them (virtio 1.2, 2.2 and 6).
public struct FeatureSet: OptionSet, Hashable, Sendable {
    /// The 64 bits.
    public let rawValue: UInt64

    /// By the bits.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// One bit by its number, 0 to 63.
    public init(bit: Int) {
        rawValue = 1 &<< UInt64(bit)
    }

    /// Tables of indirect descriptors (VIRTIO_F_INDIRECT_DESC).
    public static let indirectDescriptors = FeatureSet(bit: 28)
    /// used_event and avail_event (VIRTIO_F_EVENT_IDX).
    public static let eventIndex = FeatureSet(bit: 29)
    /// Not a device of before the specification (VIRTIO_F_VERSION_1). Required.
    public static let version1 = FeatureSet(bit: 32)
    /// A platform that limits or translates device accesses (VIRTIO_F_ACCESS_PLATFORM). Not offered.
    public static let accessPlatform = FeatureSet(bit: 33)
    /// Packed queues (VIRTIO_F_RING_PACKED). Not offered yet.
    public static let packedRing = FeatureSet(bit: 34)

    /// What every device of ours offers beside its own.
    static let common: FeatureSet = [.indirectDescriptors, .eventIndex, .version1]
}

/// The device status (virtio 1.2, 2.1).
public struct DeviceStatus: OptionSet, Hashable, Sendable {
    /// The byte.
    public let rawValue: UInt8

    /// By the bits.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The guest has seen the device.
    public static let acknowledge = DeviceStatus(rawValue: 1)
    /// The guest has a driver for it.
    public static let driver = DeviceStatus(rawValue: 2)
    /// The driver is ready.
    public static let driverOK = DeviceStatus(rawValue: 4)
    /// Features are negotiated.
    public static let featuresOK = DeviceStatus(rawValue: 8)
    /// The device cannot go on before a reset.
    public static let needsReset = DeviceStatus(rawValue: 64)
    /// The guest has given up.
    public static let failed = DeviceStatus(rawValue: 128)
}
