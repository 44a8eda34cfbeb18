/// How the kernel is entered.
public enum BootProtocol: String, CaseIterable, Sendable {
    /// As the image says: PVH where it offers that, else 64-bit Linux.
    case automatic
    /// The PVH entry of an ELF image: 32-bit protected mode.
    case pvh
    /// The 64-bit boot protocol of Linux, for a bzImage or an ELF vmlinux.
    case linux64
}

/// How much is told on standard error: a level and all above it.
public enum LogLevel: String, CaseIterable, Comparable, Sendable {
    /// What ended the machine.
    case error
    /// What is wrong but can be lived with.
    case warning
    /// What a user may like to know.
    case info
    /// What a developer of Roost or of a guest needs, such as unknown ports.
    case debug
    /// Every step.
    case trace

    private var rank: Int {
        switch self {
        case .error: 0
        case .warning: 1
        case .info: 2
        case .debug: 3
        case .trace: 4
        }
    }

    /// `error` is the least, `trace` the most.
    public static func < (one: LogLevel, other: LogLevel) -> Bool {
        one.rank < other.rank
    }
}

extension CaseIterable where Self: RawRepresentable, RawValue == String {
    /// All words, for messages: `automatic, pvh or linux64`.
    public static var form: String {
        let words = allCases.map(\.rawValue)
        guard let last = words.last, words.count > 1 else { return words.joined() }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}
