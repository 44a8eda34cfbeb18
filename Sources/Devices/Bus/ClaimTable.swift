/// The claims of a bus, sorted, for many threads at once: built once, never changed.
///
/// The search is a loop over bounds, which are plain numbers. A device's reference is not retained for
/// a call: the table holds it as long as it lives, and whoever calls holds the table.
final class ClaimTable: Sendable {
    private struct Bounds {
        let first: UInt64
        let last: UInt64
    }

    /// A device behind one claim, as an object of its own: its `let` can be used without retaining it.
    private final class Holder: Sendable {
        let device: any BusDevice

        init(_ device: any BusDevice) {
            self.device = device
        }
    }

    private let bounds: [Bounds]
    private let holders: [Holder]

    /// Checks that the claims lie on the bus and do not overlap.
    init(_ claims: [BusClaim], lastAddress: UInt64) throws(BusError) {
        let sorted = claims.sorted { $0.first < $1.first }
        var previous: BusClaim?
        for claim in sorted {
            guard claim.size > 0 else { throw .empty(claim.name) }
            guard claim.first <= lastAddress, claim.size &- 1 <= lastAddress &- claim.first else {
                throw .outside(claim.name, last: lastAddress)
            }
            if let previous, claim.first &- previous.first < previous.size {
                throw .overlap(previous.name, claim.name, at: claim.first)
            }
            previous = claim
        }
        bounds = sorted.map { Bounds(first: $0.first, last: $0.first &+ ($0.size &- 1)) }
        holders = sorted.map { Holder($0.device) }
    }

    /// The claim that all of the access lies in, or nil.
    @inline(__always)
    private func claim(at address: UInt64, _ width: AccessWidth) -> Int? {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low &+ high) &>> 1
            if bounds[middle].last < address { low = middle &+ 1 } else { high = middle }
        }
        guard low < bounds.count else { return nil }
        let found = bounds[low]
        guard found.first <= address, found.last &- address >= width.byteCount &- 1 else { return nil }
        return low
    }

    /// The device's answer, or nil if nobody claims all of the access.
    @inline(__always)
    func read(_ address: UInt64, _ width: AccessWidth) -> UInt64? {
        guard let index = claim(at: address, width) else { return nil }
        let offset = address &- bounds[index].first
        // SAFETY: `holders` keeps the object alive, and is never changed.
        return unsafe Unmanaged.passUnretained(holders[index])._withUnsafeGuaranteedRef { holder in
            holder.device.read(offset: offset, width: width) & width.mask
        }
    }

    /// The device's effect, or nil if nobody claims all of the access.
    @inline(__always)
    func write(_ address: UInt64, _ width: AccessWidth, _ value: UInt64) -> BusEffect? {
        guard let index = claim(at: address, width) else { return nil }
        let offset = address &- bounds[index].first
        // SAFETY: as for `read`.
        return unsafe Unmanaged.passUnretained(holders[index])._withUnsafeGuaranteedRef { holder in
            holder.device.write(offset: offset, width: width, value: value & width.mask)
        }
    }
}
