internal import JSONText

/// A source of random numbers for the guest: virtio entropy.
public struct EntropySpec: Equatable, Sendable {
    /// The host's file that is read.
    public var source = standardSource
    /// The limit of bytes; nil for none.
    public var bps: RateLimit?

    /// A source with everything at its default.
    public init() {}

    /// `/dev/urandom`.
    public static let standardSource = "/dev/urandom"
}

extension EntropySpec: KeyedSpec {
    static let keys = [DeviceKey("source"), DeviceKey("bps"), DeviceKey("bps-burst")]

    init(reading fields: FieldReader, at index: Int) throws(SpecError) {
        source = try fields.string("source") ?? source
        bps = try fields.limit("bps", .bytes)
    }

    /// Checks the values alone.
    public func validate() throws(SpecError) {
        try DeviceCheck.path("source", source)
        try bps?.validate("bps", .bytes)
    }

    var members: [JSONMember] {
        [JSONMember("source", .string(source))] + (bps?.members("bps", .bytes) ?? [])
    }
}
