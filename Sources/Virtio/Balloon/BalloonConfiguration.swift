/// What a balloon is to be like.
public struct BalloonConfiguration: Sendable {
    /// What it is asked to hold from the start, in bytes; what goes beyond the guest's memory counts as all.
    public var targetBytes: UInt64 = 0
    /// Whether the guest may take pages back before it runs out of memory.
    public var deflatesOnOOM = true
    /// The time between two questions for statistics, in nanoseconds; 0 never asks.
    public var statisticsInterval: UInt64 = 1_000_000_000
    /// Whether the guest tells of free pages as it goes.
    public var reportsFreePages = true
    /// Whether the guest can be asked for its free pages.
    public var hintsFreePages = false

    /// As a machine has it by default.
    public init() {}

    /// What the device then offers.
    var features: FeatureSet {
        var features: FeatureSet = [.balloonStatistics]
        if deflatesOnOOM { features.insert(.balloonDeflateOnOOM) }
        if hintsFreePages { features.insert(.balloonHinting) }
        // A guest that poisons free pages, or wants zeros there, reports none without this.
        if reportsFreePages { features.formUnion([.balloonReporting, .balloonPoison]) }
        return features
    }
}
