internal import Resources

/// Settings of CPU, for people.
enum ResourceText {
    /// An amount in hundredths of one CPU, with at most one decimal: `150%`, `33.3%`.
    static func percent(_ amount: CPUAmount) -> String {
        let tenths = (amount.microCPUs + 500) / 1000
        return tenths.isMultiple(of: 10) ? "\(tenths / 10)%" : "\(tenths / 10).\(tenths % 10)%"
    }

    /// As `percent`, or a dash for what is not known or not set.
    static func percent(_ amount: CPUAmount?) -> String { amount.map(percent) ?? "-" }

    /// A reservation; a dash for none.
    static func reserved(_ amount: CPUAmount) -> String { amount == .zero ? "-" : percent(amount) }

    /// `shares high (2000), 50% reserved, limit 150%`: the number that a level stands for is said too.
    static func sentence(_ cpu: CPUAllocation, count: Int) -> String {
        let shares =
            switch cpu.shares {
            case .custom: "shares \(cpu.shares)"
            default: "shares \(cpu.shares) (\(count))"
            }
        let reservation =
            cpu.reservation == .zero ? "nothing reserved" : "\(percent(cpu.reservation)) reserved"
        return "\(shares), \(reservation), \(cpu.limit.map { "limit \(percent($0))" } ?? "no limit")"
    }
}
