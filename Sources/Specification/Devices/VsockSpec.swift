internal import JSONText

/// A socket between guest and host without a network: virtio vsock, with a Unix socket on the host.
public struct VsockSpec: Equatable, Sendable {
    /// The Unix socket where programs of the host connect to the guest. What the guest connects to is the
    /// socket at this path, `_`, and the port.
    public var path: String
    /// The guest's context identifier, in `cidRange`.
    public var cid: UInt32 = 3

    /// A socket by its path on the host, with the default context identifier.
    public init(path: String) {
        self.path = path
    }

    /// 3 to 2^32 - 2: what is not reserved (virtio 1.2 §5.10.4).
    public static let cidRange: ClosedRange<UInt32> = 3...UInt32.max - 1
    /// The longest path in bytes: 107 of a Unix socket's less `_` and a port of ten digits.
    public static let longestPath = 96
}

extension VsockSpec: KeyedSpec {
    static let mainKey: String? = "path"
    static let keys = [DeviceKey("path"), DeviceKey("cid", .number)]

    init(reading fields: FieldReader, at index: Int) throws(SpecError) {
        self.init(path: try fields.required("path", try fields.string("path")))
        let range = Int(Self.cidRange.lowerBound)...Int(Self.cidRange.upperBound)
        cid = try fields.integer("cid", in: range).map { UInt32($0) } ?? cid
    }

    /// Checks the values alone.
    public func validate() throws(SpecError) {
        try DeviceCheck.path("path", path, longest: Self.longestPath)
        guard Self.cidRange.contains(cid) else {
            let range = Int(Self.cidRange.lowerBound)...Int(Self.cidRange.upperBound)
            throw .invalid(
                field: "cid", value: JSONValue(cid), allowed: MachineSpec.wholeNumber(in: range))
        }
    }

    var members: [JSONMember] {
        [JSONMember("path", .string(path)), JSONMember("cid", JSONValue(cid))]
    }
}
