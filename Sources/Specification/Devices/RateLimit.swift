internal import JSONText

/// How much may pass in a second: requests, packets or bytes.
///
/// A bucket that is full at first, holds `burst`, and gains `perSecond` every second.
public struct RateLimit: Equatable, Sendable {
    /// What may pass in a second, in `range`.
    public var perSecond: UInt64
    /// What may pass at once after a pause, in `range`.
    public var burst: UInt64

    /// A limit; without a burst, a tenth of a second's worth, rounded up.
    public init(perSecond: UInt64, burst: UInt64? = nil) {
        self.perSecond = perSecond
        self.burst = burst ?? perSecond / 10 + (perSecond.isMultiple(of: 10) ? 0 : 1)
    }

    /// 1 to 2^40 of anything: a terabyte a second limits nothing.
    public static let range: ClosedRange<UInt64> = 1...1 << 40
}

/// What a limit counts.
enum RateUnit {
    /// Requests or packets: whole numbers.
    case count
    /// Bytes: sizes.
    case bytes

    /// What a rate looks like, for messages.
    var form: String {
        let range = RateLimit.range
        switch self {
        case .count: return "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .bytes: return "a size from 1 to \(ByteSize(bytes: range.upperBound)), such as 10M"
        }
    }
}

extension FieldReader {
    /// A limit by a field and, for its burst, the field of that name and `Burst`.
    func limit(_ field: String, _ unit: RateUnit) throws(SpecError) -> RateLimit? {
        let burstField = field + "Burst"
        let burst = try rate(burstField, unit)
        guard let perSecond = try rate(field, unit) else {
            if let value = value(burstField) {
                throw invalid(burstField, value, "only together with its limit")
            }
            return nil
        }
        return RateLimit(perSecond: perSecond, burst: burst)
    }

    private func rate(_ field: String, _ unit: RateUnit) throws(SpecError) -> UInt64? {
        switch unit {
        case .count:
            let range = 1...Int(RateLimit.range.upperBound)
            return try integer(field, in: range).map { UInt64($0) }
        case .bytes:
            guard let size = try size(field, allowed: unit.form) else { return nil }
            guard RateLimit.range.contains(size.bytes) else {
                throw invalid(field, .string("\(size)"), unit.form)
            }
            return size.bytes
        }
    }
}

extension RateLimit {
    /// The members that `FieldReader.limit` reads back.
    func members(_ field: String, _ unit: RateUnit) -> [JSONMember] {
        [JSONMember(field, Self.json(perSecond, unit)), JSONMember(field + "Burst", Self.json(burst, unit))]
    }

    /// Checks the ranges of a limit that was made, not read.
    func validate(_ field: String, _ unit: RateUnit) throws(SpecError) {
        for (field, value) in [(field, perSecond), (field + "Burst", burst)]
        where !Self.range.contains(value) {
            throw .invalid(field: field, value: Self.json(value, unit), allowed: unit.form)
        }
    }

    private static func json(_ value: UInt64, _ unit: RateUnit) -> JSONValue {
        switch unit {
        case .count: JSONValue(value)
        case .bytes: .string(ByteSize(bytes: value).description)
        }
    }
}
