internal import Synchronization

/// The 65536 I/O ports. Built once, then read-only: any number of virtual CPUs dispatch at once
/// without a lock, an allocation or reference counting.
///
/// A read that nobody answers is all ones, as an undriven ISA bus reads; such a write is ignored. Both
/// are counted. An access that only partly lies in a claim counts as unanswered.
public final class PortBus: Sendable {
    private let claims: ClaimTable
    private let log: UnclaimedAccessLog?
    private let counters = UnclaimedCounters()

    /// - Parameters:
    ///   - claims: in any order; an overlap is an error that names both devices.
    ///   - log: reports unanswered accesses; nil when nobody listens.
    public init(_ claims: [BusClaim], log: UnclaimedAccessLog? = nil) throws(BusError) {
        self.claims = try ClaimTable(claims, lastAddress: 0xFFFF)
        self.log = log
    }

    /// An IN of one, two or four bytes. Called on a virtual CPU's thread.
    public func read(port: UInt16, width: AccessWidth) -> UInt32 {
        if let value = claims.read(UInt64(port), width) { return UInt32(truncatingIfNeeded: value) }
        noteUnclaimed(port, width, isWrite: false)
        return UInt32(truncatingIfNeeded: width.mask)
    }

    /// An OUT of one, two or four bytes. Called on a virtual CPU's thread.
    public func write(port: UInt16, width: AccessWidth, value: UInt32) -> BusEffect {
        if let effect = claims.write(UInt64(port), width, UInt64(value)) { return effect }
        noteUnclaimed(port, width, isWrite: true)
        return .none
    }

    /// Reads that nobody answered so far.
    public var unclaimedReads: UInt64 { counters.reads.load(ordering: .relaxed) }
    /// Writes that nobody answered so far.
    public var unclaimedWrites: UInt64 { counters.writes.load(ordering: .relaxed) }

    @inline(__always)
    private func noteUnclaimed(_ port: UInt16, _ width: AccessWidth, isWrite: Bool) {
        if isWrite {
            counters.writes.wrappingAdd(1, ordering: .relaxed)
        } else {
            counters.reads.wrappingAdd(1, ordering: .relaxed)
        }
        if let log { report(port, width, isWrite, to: log) }
    }

    @inline(never)
    private func report(_ port: UInt16, _ width: AccessWidth, _ isWrite: Bool, to log: UnclaimedAccessLog) {
        log.note(UnclaimedAccess(space: .port, address: UInt64(port), width: width, isWrite: isWrite))
    }
}
