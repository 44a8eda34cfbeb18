/// An amount of processor: what a VM uses, may use or is promised, in millionths of one host CPU.
///
/// Whole numbers, so that sums are exact and the same on every machine. At most a million CPUs.
public struct CPUAmount: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Millionths of one host CPU, `0...CPUAmount.greatest`.
    public let microCPUs: Int64

    /// The most millionths that an amount may be: a million CPUs. Sums of a whole tree then fit 64 bits.
    public static let greatest: Int64 = 1_000_000_000_000
    /// Nothing.
    public static let zero = CPUAmount(known: 0)
    /// One host CPU.
    public static let one = CPUAmount(known: 1_000_000)
    /// The greatest amount there is.
    public static let maximum = CPUAmount(known: greatest)

    /// For numbers that are known to be in range.
    init(known microCPUs: Int64) {
        self.microCPUs = microCPUs
    }

    /// An amount in millionths of a CPU; nil outside `0...CPUAmount.greatest`.
    public init?(microCPUs: Int64) {
        guard (0...Self.greatest).contains(microCPUs) else { return nil }
        self.microCPUs = microCPUs
    }

    /// The amount nearest to a number of millionths.
    public init(clamping microCPUs: Int64) {
        self.microCPUs = min(max(microCPUs, 0), Self.greatest)
    }

    /// Whole CPUs; numbers out of range become the nearest amount.
    public static func cpus(_ count: Int) -> CPUAmount {
        CPUAmount(known: Int64(min(max(count, 0), 1_000_000)) * 1_000_000)
    }

    /// The sum; nil if it is more than `maximum`.
    public func adding(_ other: CPUAmount) -> CPUAmount? {
        CPUAmount(microCPUs: microCPUs + other.microCPUs)
    }

    /// The difference; nil if it is less than nothing.
    public func subtracting(_ other: CPUAmount) -> CPUAmount? {
        CPUAmount(microCPUs: microCPUs - other.microCPUs)
    }

    /// By size.
    public static func < (one: CPUAmount, other: CPUAmount) -> Bool {
        one.microCPUs < other.microCPUs
    }

    /// Reads CPUs (`1.5`, `2`), thousandths of a CPU (`500m`) or hundredths (`50%`, of one CPU).
    ///
    /// Exact to a millionth of a CPU: what a text says beyond that is refused rather than rounded.
    public init(parsing text: String) throws(CPUAmountError) {
        var digits = text.utf8[...]
        var decimals = 6
        switch digits.last {
        case UInt8(ascii: "%"): decimals = 4
        case UInt8(ascii: "m"): decimals = 3
        default: break
        }
        if decimals != 6 { digits.removeLast() }
        switch Decimal.read(digits, decimals: decimals, most: Self.greatest) {
        case .value(let value): microCPUs = value
        case .malformed: throw .malformed(text)
        case .tooFine: throw .tooFine(text)
        case .tooLarge: throw .tooLarge(text)
        }
    }

    /// CPUs with as many decimals as it takes: `1.5`, `0.000001`, `2`. `init(parsing:)` reads it back.
    public var description: String { Decimal.text(microCPUs, decimals: 6) }

    /// Hundredths of one CPU, with as many decimals as it takes: `150%`.
    public var percentText: String { Decimal.text(microCPUs, decimals: 4) + "%" }

    /// What an amount looks like, for messages.
    public static let form =
        "CPUs such as 1.5, thousandths such as 1500m, or a percentage of one CPU such as 150%"
}

/// An amount for sentences: `1 CPU`, `0.5 CPUs`.
func cpus(_ amount: CPUAmount) -> String {
    amount == .one ? "1 CPU" : "\(amount) CPUs"
}

/// Why a text is no amount of CPU.
public enum CPUAmountError: Error, Equatable, Sendable, CustomStringConvertible {
    /// It is not a number in one of the forms.
    case malformed(String)
    /// It says more than millionths of a CPU.
    case tooFine(String)
    /// It is more than a million CPUs.
    case tooLarge(String)

    /// A sentence with the text and with what is accepted.
    public var description: String {
        switch self {
        case .malformed(let text): "\(quoted(text)) is no amount of CPU: \(CPUAmount.form)"
        case .tooFine(let text): "\(quoted(text)) is finer than a millionth of a CPU"
        case .tooLarge(let text): "\(quoted(text)) is more than a million CPUs"
        }
    }
}
