internal import Synchronization

/// An access that no device answered.
public struct UnclaimedAccess: Equatable, Sendable {
    /// Which bus it was on.
    public enum Space: Equatable, Sendable {
        /// Ports.
        case port
        /// Guest-physical memory that is not RAM.
        case memory
    }

    /// The bus.
    public let space: Space
    /// The port or address.
    public let address: UInt64
    /// The bytes asked for.
    public let width: AccessWidth
    /// Whether the guest wrote.
    public let isWrite: Bool
}

/// Reports each unclaimed port and each unclaimed page of memory once, the first pages only.
///
/// For debugging a guest: a machine that does not log at debug level builds its buses without one.
/// What it remembers is bounded (8 KiB for the ports, allocated on first use; 64 pages), so a hostile
/// guest can neither flood a log nor fill memory through it.
public final class UnclaimedAccessLog: Sendable {
    /// How many different pages of memory are reported before silence.
    public static let pageLimit = 64

    private struct Seen {
        var ports: [UInt64] = []
        var pages: [UInt64] = []
    }

    private let seen = Mutex(Seen())
    private let report: @Sendable (UnclaimedAccess) -> Void

    /// - Parameter report: called on the accessing virtual CPU's thread, with no lock held.
    public init(report: @escaping @Sendable (UnclaimedAccess) -> Void) {
        self.report = report
    }

    /// Reports the access unless its port or page was reported before.
    func note(_ access: UnclaimedAccess) {
        let isNew =
            switch access.space {
            case .port: seen.withLock { Self.insertPort(access.address, &$0.ports) }
            case .memory: seen.withLock { Self.insertPage(access.address &>> 12, &$0.pages) }
            }
        if isNew { report(access) }
    }

    private static func insertPort(_ port: UInt64, _ bitmap: inout [UInt64]) -> Bool {
        if bitmap.isEmpty { bitmap = [UInt64](repeating: 0, count: 1024) }
        let word = Int(port & 0xFFFF) / 64
        let bit: UInt64 = 1 &<< (port & 63)
        guard bitmap[word] & bit == 0 else { return false }
        bitmap[word] |= bit
        return true
    }

    private static func insertPage(_ page: UInt64, _ pages: inout [UInt64]) -> Bool {
        guard pages.count < pageLimit, !pages.contains(page) else { return false }
        pages.append(page)
        return true
    }
}

/// How often nobody answered. Read at any time from any thread.
struct UnclaimedCounters: ~Copyable {
    let reads = Atomic<UInt64>(0)
    let writes = Atomic<UInt64>(0)
}
