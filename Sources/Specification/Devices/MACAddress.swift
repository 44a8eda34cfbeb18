/// The address of a network card: 48 bits, written `02:00:5e:10:00:01`.
public struct MACAddress: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// The six bytes, the first of them in bits 47 to 40.
    public let value: UInt64

    /// An address by the low 48 bits of a number.
    public init(value: UInt64) {
        self.value = value & 0xFFFF_FFFF_FFFF
    }

    /// Reads six pairs of hexadecimal digits with a colon between them; nil for anything else.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count == 6 else { return nil }
        var value: UInt64 = 0
        for part in parts {
            // UInt8("+1") is a number, but no pair of digits.
            guard part.count == 2, part.first != UInt8(ascii: "+"),
                let byte = UInt8(Substring(part), radix: 16)
            else { return nil }
            value = value << 8 | UInt64(byte)
        }
        self.init(value: value)
    }

    /// The six bytes in the order in which they are sent.
    public var bytes: [UInt8] {
        (0..<6).map { UInt8(truncatingIfNeeded: value >> (40 - 8 * $0)) }
    }

    /// Whether a card may have it: not a group's address (bit 0 of the first byte), and not all zero.
    public var isUnicast: Bool {
        value != 0 && value & 0x0100_0000_0000 == 0
    }

    /// The address of a machine's card that was given none: the same for the same name and place,
    /// locally administered (`02:…`), and another for each card of a machine.
    public static func derived(machine name: String, index: Int) -> MACAddress {
        // FNV-1a and the end of MurmurHash3, without which names like web1 and web2 differ in few bits.
        // It must not change, for guests remember their cards by address.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        hash = (hash ^ hash >> 33) &* 0xC4CE_B9FE_1A85_EC53
        hash ^= hash >> 33
        let last = UInt8(truncatingIfNeeded: hash) &+ UInt8(truncatingIfNeeded: index)
        return MACAddress(value: 0x0200_0000_0000 | (hash >> 24) & 0xFF_FFFF_FF00 | UInt64(last))
    }

    /// Six pairs of small hexadecimal digits.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }

    /// What an address looks like, for messages.
    public static let form = "a unicast address such as 02:00:5e:10:00:01"
}
