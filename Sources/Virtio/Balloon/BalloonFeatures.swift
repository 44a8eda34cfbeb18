extension FeatureSet {
    // virtio 1.2, 5.5.3. Bit 0, VIRTIO_BALLOON_F_MUST_TELL_HOST, is not offered: a page is given back to
    // the host before its inflation is acknowledged, and a touch of the guest's brings a fresh one.

    /// The guest tells how its memory is used (VIRTIO_BALLOON_F_STATS_VQ).
    public static let balloonStatistics = FeatureSet(bit: 1)
    /// The guest takes pages back before it runs out of memory (VIRTIO_BALLOON_F_DEFLATE_ON_OOM).
    public static let balloonDeflateOnOOM = FeatureSet(bit: 2)
    /// The guest can be asked for its free pages (VIRTIO_BALLOON_F_FREE_PAGE_HINT).
    public static let balloonHinting = FeatureSet(bit: 3)
    /// The guest says what it fills free pages with (VIRTIO_BALLOON_F_PAGE_POISON).
    public static let balloonPoison = FeatureSet(bit: 4)
    /// The guest tells of its free pages as it goes (VIRTIO_BALLOON_F_PAGE_REPORTING).
    public static let balloonReporting = FeatureSet(bit: 5)
}

/// What a queue of the balloon's is for, in the order in which queues are numbered.
enum BalloonRole: Int, CaseIterable {
    case inflate
    case deflate
    case statistics
    case hinting
    case reporting

    /// The feature without which there is no such queue.
    private var feature: FeatureSet {
        switch self {
        case .inflate, .deflate: []
        case .statistics: .balloonStatistics
        case .hinting: .balloonHinting
        case .reporting: .balloonReporting
        }
    }

    /// The roles of the queues 0, 1 and so on, once features are negotiated: a queue that does not exist
    /// leaves no gap, as Linux numbers them.
    static func roles(_ features: FeatureSet) -> [BalloonRole] {
        allCases.filter { features.isSuperset(of: $0.feature) }
    }
}
