internal import JSONText

/// A network card: a tap interface of the host that the guest sees as a virtio network device.
public struct NetSpec: Equatable, Sendable {
    /// The tap's name: used if it exists, else made, and removed when the machine ends.
    public var tap: String
    /// What the card is called by users: see `MachineSpec.deviceIDForm`.
    public var id: String
    /// The card's unicast address; nil for `MACAddress.derived`, as `MachineSpec.macAddress(of:)` says.
    public var mac: MACAddress?
    /// The largest packet without its Ethernet header, told to the guest and set on a tap that is made,
    /// in `mtuRange`; nil for what the tap has.
    public var mtu: Int?
    /// Whether checksums and large packets may be left to the other side.
    public var offloads = true
    /// The entries of each queue: a power of two, 2 to 1024.
    public var queueSize = 256
    /// The limit of bytes that the guest receives; nil for none.
    public var receiveBytes: RateLimit?
    /// The limit of packets that the guest receives; nil for none.
    public var receivePackets: RateLimit?
    /// The limit of bytes that the guest sends; nil for none.
    public var sendBytes: RateLimit?
    /// The limit of packets that the guest sends; nil for none.
    public var sendPackets: RateLimit?

    /// A card with everything but its tap and id at its default.
    public init(tap: String, id: String) {
        self.tap = tap
        self.id = id
    }

    /// The id of a card that was given none, by its place from 0.
    public static func defaultID(at index: Int) -> String { "net\(index)" }

    /// 68 (virtio 1.2 §5.1.4.1, RFC 791) to 65535 bytes.
    public static let mtuRange = 68...65535
    /// The longest name of an interface in bytes; C constant: `IFNAMSIZ` with the zero at its end.
    public static let longestTapName = 15
    private static let tapForm = "1 to \(longestTapName) bytes without / : % or white space, not . or .."

    /// Whether Linux takes a text as an interface's name as it is. (It would put a number for `%d`.)
    public static func isInterfaceName(_ text: String) -> Bool {
        guard (1...longestTapName).contains(text.utf8.count), text != ".", text != ".." else { return false }
        return text.utf8.allSatisfy { byte in
            // 0xA0 is white space to Linux, which looks at bytes, not at characters.
            byte > 0x20 && byte != 0x7F && byte != 0xA0
                && byte != UInt8(ascii: "/") && byte != UInt8(ascii: ":") && byte != UInt8(ascii: "%")
        }
    }
}

extension NetSpec: KeyedSpec {
    static let mainKey: String? = "tap"
    static let keys = [
        DeviceKey("tap"), DeviceKey("id"), DeviceKey("mac"), DeviceKey("mtu", .number),
        DeviceKey("offloads", .onOff), DeviceKey("queue-size", .number),
        DeviceKey("rx-bps"), DeviceKey("rx-bps-burst"),
        DeviceKey("rx-pps", .number), DeviceKey("rx-pps-burst", .number),
        DeviceKey("tx-bps"), DeviceKey("tx-bps-burst"),
        DeviceKey("tx-pps", .number), DeviceKey("tx-pps-burst", .number),
    ]

    init(reading fields: FieldReader, at index: Int) throws(SpecError) {
        self.init(
            tap: try fields.required("tap", try fields.string("tap")),
            id: try fields.string("id") ?? Self.defaultID(at: index))
        mac = try fields.parsed("mac", allowed: MACAddress.form) { MACAddress($0) }
        mtu = try fields.integer("mtu", in: Self.mtuRange)
        offloads = try fields.boolean("offloads") ?? offloads
        queueSize = try fields.queueSize() ?? queueSize
        receiveBytes = try fields.limit("rxBps", .bytes)
        receivePackets = try fields.limit("rxPps", .count)
        sendBytes = try fields.limit("txBps", .bytes)
        sendPackets = try fields.limit("txPps", .count)
    }

    /// Checks the values alone.
    public func validate() throws(SpecError) {
        guard Self.isInterfaceName(tap) else {
            throw .invalid(field: "tap", value: .string(tap), allowed: Self.tapForm)
        }
        try DeviceCheck.id(id)
        if let mac, !mac.isUnicast {
            throw .invalid(field: "mac", value: .string(mac.description), allowed: MACAddress.form)
        }
        if let mtu, !Self.mtuRange.contains(mtu) {
            throw .invalid(
                field: "mtu", value: JSONValue(mtu), allowed: MachineSpec.wholeNumber(in: Self.mtuRange))
        }
        try DeviceCheck.queueSize(queueSize)
        try receiveBytes?.validate("rxBps", .bytes)
        try receivePackets?.validate("rxPps", .count)
        try sendBytes?.validate("txBps", .bytes)
        try sendPackets?.validate("txPps", .count)
    }

    var members: [JSONMember] {
        var members = [JSONMember("tap", .string(tap)), JSONMember("id", .string(id))]
        if let mac { members.append(JSONMember("mac", .string(mac.description))) }
        if let mtu { members.append(JSONMember("mtu", JSONValue(mtu))) }
        members.append(JSONMember("offloads", .boolean(offloads)))
        members.append(JSONMember("queueSize", JSONValue(queueSize)))
        members += receiveBytes?.members("rxBps", .bytes) ?? []
        members += receivePackets?.members("rxPps", .count) ?? []
        members += sendBytes?.members("txBps", .bytes) ?? []
        members += sendPackets?.members("txPps", .count) ?? []
        return members
    }
}
