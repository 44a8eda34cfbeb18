/// A network device.
public struct DeviceRow: ViewRow {
    /// What went in one direction.
    public struct Counters: Equatable, Sendable {
        /// Bytes.
        public var bytes: UInt64
        /// Packets.
        public var packets: UInt64
    }

    /// An address of the device.
    public struct Address: Hashable, Sendable, CustomStringConvertible {
        /// The address itself.
        public let address: InternetAddress
        /// How many bits of it name the network.
        public let prefix: Int

        /// `192.0.2.2/24`.
        public var description: String { "\(address)/\(prefix)" }
    }

    /// The device's number.
    public let index: Int
    /// Its name.
    public let name: String
    /// Its state by the names that ip(8) has: UP, RUNNING, LOOPBACK…
    public let flags: [String]
    /// The longest packet in bytes.
    public let maximumUnit: UInt32
    /// The hardware's address; empty if it has none.
    public let hardwareAddress: [UInt8]
    /// Its addresses, IPv4 first.
    public let addresses: [Address]
    /// What came in; nil if only its driver knows.
    public let received: Counters?
    /// What went out; nil if only its driver knows.
    public let sent: Counters?
    /// Packets that came in and were thrown away.
    public let receivedDropped: UInt64?
    /// Packets that were to go out and were thrown away.
    public let sentDropped: UInt64?

    /// The hardware's address as people write it.
    public var hardwareText: String {
        hardwareAddress.map { HexDump.hexadecimal(UInt64($0), digits: 2) }.joined(separator: ":")
    }

    /// What a table shows of it.
    public static let columns = [
        ViewColumn("INDEX", "index", isNumber: true), ViewColumn("NAME", "name"),
        ViewColumn("STATE", "flags"),
        ViewColumn("MTU", "mtu", isNumber: true), ViewColumn("MAC", "mac"),
        ViewColumn("ADDRESSES", "addresses"), ViewColumn("RX", "rxBytes", isNumber: true),
        ViewColumn("RX-PACKETS", "rxPackets", isNumber: true),
        ViewColumn("RX-DROPPED", "rxDropped", isNumber: true), ViewColumn("TX", "txBytes", isNumber: true),
        ViewColumn("TX-PACKETS", "txPackets", isNumber: true),
        ViewColumn("TX-DROPPED", "txDropped", isNumber: true),
    ]
    /// The values, in the order of the columns.
    public var cells: [ViewValue] {
        func number(_ value: UInt64?) -> ViewValue { value.map { .number(Int64(clamping: $0)) } ?? .none }
        return [
            .number(Int64(index)), .text(name), .list(flags.map { .text($0) }), .number(Int64(maximumUnit)),
            hardwareAddress.isEmpty ? .none : .text(hardwareText),
            .list(addresses.map { .text($0.description) }), received.map { .size($0.bytes) } ?? .none,
            number(received?.packets), number(receivedDropped), sent.map { .size($0.bytes) } ?? .none,
            number(sent?.packets), number(sentDropped),
        ]
    }
    /// What makes it the same thing in a later look.
    public var identity: Int { index }
    /// What does not change as it is looked at.
    public var settled: [String] {
        [name, "\(maximumUnit)", hardwareText] + flags + addresses.map(\.description)
    }
}
