/// An amount of memory in bytes, written as people write it: `256M`, `1G`, `4096K`, `512`.
///
/// The units are binary: K is 1024 bytes, M 1024 K, G 1024 M, T 1024 G.
public struct ByteSize: Equatable, Comparable, Hashable, Sendable, CustomStringConvertible {
    /// The number of bytes.
    public var bytes: UInt64

    /// A size by its bytes.
    public init(bytes: UInt64) {
        self.bytes = bytes
    }

    /// A number of KiB, MiB, GiB or TiB that is known to fit 64 bits.
    public static func kibibytes(_ count: UInt64) -> ByteSize { ByteSize(bytes: count << 10) }
    /// A number of MiB that is known to fit 64 bits.
    public static func mebibytes(_ count: UInt64) -> ByteSize { ByteSize(bytes: count << 20) }
    /// A number of GiB that is known to fit 64 bits.
    public static func gibibytes(_ count: UInt64) -> ByteSize { ByteSize(bytes: count << 30) }

    private static let units: [(letter: Unicode.Scalar, shift: UInt64)] = [
        ("T", 40), ("G", 30), ("M", 20), ("K", 10),
    ]

    /// Reads digits and at most one unit letter, K, M, G or T, in either case.
    ///
    /// No fraction, no sign, no space, no further letters. Answers nil for anything else and for
    /// what does not fit 64 bits.
    public init?(_ text: String) {
        var digits = text.utf8[...]
        var shift: UInt64 = 0
        // Bit 5 is what a small ASCII letter has and its capital has not.
        if let last = digits.last, let unit = Self.units.first(where: { $0.letter.value == last & 0xDF }) {
            shift = unit.shift
            digits.removeLast()
        }
        guard let first = digits.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-"),
            let count = UInt64(Substring(digits)), count <= UInt64.max >> shift
        else { return nil }
        bytes = count << shift
    }

    /// The shortest text that says exactly this size: `1536M`, not `1.5G`.
    public var description: String {
        for unit in Self.units where bytes != 0 && bytes & (1 << unit.shift - 1) == 0 {
            return "\(bytes >> unit.shift)\(unit.letter)"
        }
        return "\(bytes)"
    }

    /// What a size looks like, for messages.
    public static let form = "digits and K, M, G or T, such as 256M or 1G"

    /// By the number of bytes.
    public static func < (one: ByteSize, other: ByteSize) -> Bool {
        one.bytes < other.bytes
    }
}
