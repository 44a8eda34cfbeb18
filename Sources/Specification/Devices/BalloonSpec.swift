internal import JSONText

/// A balloon: virtio's way of taking memory from a guest and giving it back.
public struct BalloonSpec: Equatable, Sendable {
    /// How much the balloon is asked to hold from the start: a multiple of 4 KiB, at most the guest's
    /// memory.
    public var size = ByteSize(bytes: 0)
    /// Whether the guest may take memory back before it kills a process for want of it.
    public var deflateOnOOM = true
    /// How often the guest is asked for its memory's statistics, in `statsIntervalRange`; 0 is never.
    public var statsInterval = Interval.seconds(1)
    /// Whether the guest tells which memory it does not use, as it goes.
    public var freePageReporting = true
    /// Whether the guest can be asked which memory it does not use.
    public var freePageHinting = false

    /// A balloon with everything at its default.
    public init() {}

    /// 100 milliseconds to one hour; 0, which is outside, is never.
    public static let statsIntervalRange = Interval(milliseconds: 100)...Interval.seconds(3600)
    private static let statsIntervalForm =
        "0 for never, or \(statsIntervalRange.lowerBound) to \(statsIntervalRange.upperBound), such as 1s"
    private static let sizeForm = "0 to the guest's memory in steps of \(MachineSpec.memoryGranularity)"
}

extension BalloonSpec: KeyedSpec {
    static let keys = [
        DeviceKey("size"), DeviceKey("deflate-on-oom", .onOff), DeviceKey("stats-interval"),
        DeviceKey("free-page-reporting", .onOff), DeviceKey("free-page-hinting", .onOff),
    ]

    init(reading fields: FieldReader, at index: Int) throws(SpecError) {
        size = try fields.size("size", allowed: Self.sizeForm) ?? size
        deflateOnOOM = try fields.boolean("deflateOnOom") ?? deflateOnOOM
        statsInterval =
            try fields.parsed("statsInterval", allowed: Self.statsIntervalForm) { Interval($0) }
            ?? statsInterval
        freePageReporting = try fields.boolean("freePageReporting") ?? freePageReporting
        freePageHinting = try fields.boolean("freePageHinting") ?? freePageHinting
    }

    /// Checks the values alone; whether the size fits the guest's memory is `MachineSpec`'s to check.
    public func validate() throws(SpecError) {
        guard size.bytes.isMultiple(of: MachineSpec.memoryGranularity.bytes) else {
            throw .invalid(field: "size", value: .string("\(size)"), allowed: Self.sizeForm)
        }
        guard statsInterval.milliseconds == 0 || Self.statsIntervalRange.contains(statsInterval) else {
            throw .invalid(
                field: "statsInterval", value: .string("\(statsInterval)"), allowed: Self.statsIntervalForm)
        }
    }

    var members: [JSONMember] {
        [
            JSONMember("size", .string(size.description)),
            JSONMember("deflateOnOom", .boolean(deflateOnOOM)),
            JSONMember("statsInterval", .string(statsInterval.description)),
            JSONMember("freePageReporting", .boolean(freePageReporting)),
            JSONMember("freePageHinting", .boolean(freePageHinting)),
        ]
    }
}
