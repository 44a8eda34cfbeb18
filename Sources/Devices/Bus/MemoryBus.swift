public import GuestMemory
internal import Synchronization

/// The guest-physical addresses that are devices. Built once, then read-only, as `PortBus` is.
///
/// A read that nobody answers is all ones; such a write is ignored. Both are counted. An access that
/// only partly lies in a claim counts as unanswered.
public final class MemoryBus: Sendable {
    private let claims: ClaimTable
    private let log: UnclaimedAccessLog?
    private let counters = UnclaimedCounters()

    /// - Parameters:
    ///   - claims: in any order; an overlap is an error that names both devices.
    ///   - log: reports unanswered accesses; nil when nobody listens.
    public init(_ claims: [BusClaim], log: UnclaimedAccessLog? = nil) throws(BusError) {
        self.claims = try ClaimTable(claims, lastAddress: .max)
        self.log = log
    }

    /// A load from a device. Called on a virtual CPU's thread.
    public func read(_ address: GuestAddress, width: AccessWidth) -> UInt64 {
        if let value = claims.read(address.rawValue, width) { return value }
        noteUnclaimed(address, width, isWrite: false)
        return width.mask
    }

    /// A store to a device. Called on a virtual CPU's thread.
    public func write(_ address: GuestAddress, width: AccessWidth, value: UInt64) -> BusEffect {
        if let effect = claims.write(address.rawValue, width, value) { return effect }
        noteUnclaimed(address, width, isWrite: true)
        return .none
    }

    /// Reads that nobody answered so far.
    public var unclaimedReads: UInt64 { counters.reads.load(ordering: .relaxed) }
    /// Writes that nobody answered so far.
    public var unclaimedWrites: UInt64 { counters.writes.load(ordering: .relaxed) }

    @inline(__always)
    private func noteUnclaimed(_ address: GuestAddress, _ width: AccessWidth, isWrite: Bool) {
        if isWrite {
            counters.writes.wrappingAdd(1, ordering: .relaxed)
        } else {
            counters.reads.wrappingAdd(1, ordering: .relaxed)
        }
        if let log { report(address, width, isWrite, to: log) }
    }

    @inline(never)
    private func report(
        _ address: GuestAddress, _ width: AccessWidth, _ isWrite: Bool, to log: UnclaimedAccessLog
    ) {
        log.note(UnclaimedAccess(space: .memory, address: address.rawValue, width: width, isWrite: isWrite))
    }
}
