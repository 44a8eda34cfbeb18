internal import GuestMemory

/// Who has which part of guest memory, so that nothing is ever laid over anything else.
struct Occupancy {
    struct Claim {
        let area: BootArea
        let range: GuestRange
    }

    let layout: AddressSpaceLayout
    private(set) var claims: [Claim] = []

    init(layout: AddressSpaceLayout) {
        self.layout = layout
    }

    /// Takes a range: all of it must be RAM, and nobody else's. An empty range takes nothing.
    mutating func claim(_ range: GuestRange, for area: BootArea) throws(BootError) {
        guard layout.contains(range) else {
            throw .outsideMemory(area, range, memory: layout.size)
        }
        guard range.size > 0 else { return }
        if let other = claims.first(where: { $0.range.overlaps(range) }) {
            throw .overlap(area, range, with: other.area, other.range)
        }
        claims.append(Claim(area: area, range: range))
    }

    /// The highest free range of `size` bytes that begins on a page and lies inside `bounds`.
    func highestFree(size: UInt64, in bounds: GuestRange) -> GuestRange? {
        var top = bounds.end.rawValue
        while top >= size {
            let start = alignedDown(top - size, to: AddressSpaceLayout.pageSize)
            guard let range = GuestRange(start: GuestAddress(start), size: size), bounds.contains(range)
            else {
                return nil
            }
            guard let obstacle = claims.first(where: { $0.range.overlaps(range) }) else { return range }
            // Each round goes below one claim, so that the loop ends.
            top = obstacle.range.start.rawValue
        }
        return nil
    }
}
