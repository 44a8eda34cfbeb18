/// A time between two events, written `1s`, `250ms` or `2m`; `0` is never.
public struct Interval: Equatable, Comparable, Sendable, CustomStringConvertible {
    /// The number of milliseconds.
    public var milliseconds: UInt64

    /// An interval by its milliseconds.
    public init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }

    /// A number of seconds.
    public static func seconds(_ count: UInt32) -> Interval { Interval(milliseconds: UInt64(count) * 1000) }

    private static let units: [(name: String, milliseconds: UInt64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
    ]

    /// Reads digits and one unit of ms, s, m and h, or `0`; nil for anything else.
    public init?(_ text: String) {
        if text == "0" {
            self.init(milliseconds: 0)
            return
        }
        let digits = text.prefix { ("0"..."9").contains($0) }
        let unit = text[digits.endIndex...]
        guard let count = UInt64(digits), let factor = Self.units.first(where: { $0.name == unit }) else {
            return nil
        }
        let (product, overflow) = count.multipliedReportingOverflow(by: factor.milliseconds)
        guard !overflow else { return nil }
        self.init(milliseconds: product)
    }

    /// The shortest exact text that `init(_:)` reads.
    public var description: String {
        guard milliseconds > 0 else { return "0" }
        for unit in Self.units.reversed() where milliseconds.isMultiple(of: unit.milliseconds) {
            return "\(milliseconds / unit.milliseconds)\(unit.name)"
        }
        return "\(milliseconds)ms"
    }

    /// By length.
    public static func < (one: Interval, other: Interval) -> Bool {
        one.milliseconds < other.milliseconds
    }
}
