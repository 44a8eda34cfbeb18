/// A relative right to CPU when there is not enough for all: twice the shares, twice the CPU.
///
/// vSphere's levels and numbers (vSphere Resource Management, "Resource Allocation Shares").
public enum CPUShares: Hashable, Sendable, CustomStringConvertible {
    /// 500 a virtual CPU of a VM; 2000 for a pool.
    case low
    /// 1000 a virtual CPU of a VM; 4000 for a pool.
    case normal
    /// 2000 a virtual CPU of a VM; 8000 for a pool.
    case high
    /// A number of shares in all, 1 to 1,000,000; others count as the nearest of these.
    case custom(Int)

    /// The numbers that a custom amount may be.
    public static let customRange = 1...1_000_000

    /// How many shares a VM with so many virtual CPUs has.
    public func count(virtualCPUs: Int) -> Int {
        let each = min(max(virtualCPUs, 1), VMSettings.mostVirtualCPUs)
        switch self {
        case .low: return 500 * each
        case .normal: return 1000 * each
        case .high: return 2000 * each
        case .custom(let count): return Self.nearest(count)
        }
    }

    /// How many shares a pool has.
    public var poolCount: Int {
        switch self {
        case .low: 2000
        case .normal: 4000
        case .high: 8000
        case .custom(let count): Self.nearest(count)
        }
    }

    private static func nearest(_ count: Int) -> Int {
        min(max(count, customRange.lowerBound), customRange.upperBound)
    }

    /// Reads a level or a number.
    public init(parsing text: String) throws(CPUSharesError) {
        switch text {
        case "low": self = .low
        case "normal": self = .normal
        case "high": self = .high
        default:
            guard !text.isEmpty, text.utf8.count <= 7, text.utf8.allSatisfy({ (48...57).contains($0) }),
                let count = Int(text), Self.customRange.contains(count)
            else { throw CPUSharesError(text: text) }
            self = .custom(count)
        }
    }

    /// The level or the number, as `init(parsing:)` reads it.
    public var description: String {
        switch self {
        case .low: "low"
        case .normal: "normal"
        case .high: "high"
        case .custom(let count): "\(count)"
        }
    }
}

/// A text that is no amount of shares.
public struct CPUSharesError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The text.
    public let text: String

    /// A sentence with the text and with what is accepted.
    public var description: String {
        "\(quoted(text)) is no number of shares: low, normal, high, or 1 to 1000000"
    }
}
