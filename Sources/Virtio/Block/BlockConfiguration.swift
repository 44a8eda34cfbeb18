public import HostSystem

/// What a disk is to be, beside its image.
public struct BlockSettings: Sendable {
    /// What the guest is told when it asks for the disk's name: at most 20 bytes (virtio 1.2, 5.2.6.1).
    public var id = ""
    /// The entries of the request queue: a power of two.
    public var queueSize: UInt16 = 256
    /// Whether a write is only done when it is on the medium, and the guest cannot choose otherwise.
    public var isWriteThrough = false
    /// Whether the guest may give sectors back to the host.
    public var canDiscard = true
    /// Who carries requests out.
    public var engine = FileEngine.Choice.automatic
    /// How fast it may be.
    public var rates = BlockRates()

    /// Everything at its default.
    public init() {}
}

/// How fast a disk may be; nil is no limit, and of a burst what is usual.
public struct BlockRates: Equatable, Sendable {
    /// Bytes read and written in a second.
    public var bytesPerSecond: UInt64?
    /// Bytes that may pass at once after a rest.
    public var burstBytes: UInt64?
    /// Requests of any kind in a second.
    public var operationsPerSecond: UInt64?
    /// Requests that may pass at once after a rest.
    public var burstOperations: UInt64?

    /// No limits.
    public init() {}
}

extension FeatureSet {
    /// The largest number of segments is told (VIRTIO_BLK_F_SEG_MAX).
    public static let blockSegmentLimit = FeatureSet(bit: 2)
    /// The disk cannot be written to (VIRTIO_BLK_F_RO).
    public static let blockReadOnly = FeatureSet(bit: 5)
    /// The block size is told (VIRTIO_BLK_F_BLK_SIZE).
    public static let blockSize = FeatureSet(bit: 6)
    /// Flushes are taken (VIRTIO_BLK_F_FLUSH).
    public static let blockFlush = FeatureSet(bit: 9)
    /// Alignments and best sizes are told (VIRTIO_BLK_F_TOPOLOGY).
    public static let blockTopology = FeatureSet(bit: 10)
    /// The driver may choose between write-back and write-through (VIRTIO_BLK_F_CONFIG_WCE).
    public static let blockCacheMode = FeatureSet(bit: 11)
    /// Discards are taken (VIRTIO_BLK_F_DISCARD).
    public static let blockDiscard = FeatureSet(bit: 13)
    /// Requests to write zeroes are taken (VIRTIO_BLK_F_WRITE_ZEROES).
    public static let blockWriteZeroes = FeatureSet(bit: 14)
}

/// The configuration space of a disk (virtio 1.2, 5.2.4).
enum BlockConfiguration {
    private static let size = 60
    /// Where the driver reads and sets whether there is a write-back cache.
    static let writeback = 32

    static func features(_ shape: ImageShape, _ settings: BlockSettings) -> FeatureSet {
        var features: FeatureSet = [.blockSegmentLimit, .blockSize, .blockTopology]
        if shape.isReadOnly {
            features.insert([.blockReadOnly, .blockFlush])
            return features
        }
        // Without these a driver knows that what is written is safe.
        if !settings.isWriteThrough { features.insert([.blockFlush, .blockCacheMode]) }
        features.insert(.blockWriteZeroes)
        if settings.canDiscard, shape.canPunchHoles { features.insert(.blockDiscard) }
        return features
    }

    static func make(_ shape: ImageShape, _ settings: BlockSettings) -> ConfigurationSpace {
        var space = ConfigurationSpace(size: size)
        space.set(shape.size / BlockLimits.sectorSize, at: 0)
        space.set(UInt32(max(1, Int(settings.queueSize) - 2)), at: 12)
        space.set(UInt32(shape.logicalBlock), at: 20)
        let exponent = (shape.physicalBlock / shape.logicalBlock).trailingZeroBitCount
        space.set(UInt8(truncatingIfNeeded: exponent), at: 24)
        space.set(UInt16(clamping: max(1, shape.leastIO / shape.logicalBlock)), at: 26)
        space.set(UInt32(clamping: shape.bestIO / shape.logicalBlock), at: 28)
        space.set(UInt8(settings.isWriteThrough ? 0 : 1), at: writeback)
        space.set(UInt16(1), at: 34)
        let features = features(shape, settings)
        let alignment = UInt32(max(shape.logicalBlock, shape.physicalBlock)) / UInt32(BlockLimits.sectorSize)
        if features.contains(.blockDiscard) {
            space.set(BlockLimits.rangeSectors, at: 36)
            space.set(UInt32(BlockLimits.rangesPerRequest), at: 40)
            space.set(alignment, at: 44)
        }
        if features.contains(.blockWriteZeroes) {
            space.set(BlockLimits.rangeSectors, at: 48)
            space.set(UInt32(BlockLimits.rangesPerRequest), at: 52)
            space.set(UInt8(features.contains(.blockDiscard) ? 1 : 0), at: 56)
        }
        return space
    }
}
