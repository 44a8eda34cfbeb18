public import GuestMemory

/// Where the kernel's image lies: one stretch of virtual addresses on one stretch of physical ones.
public struct ImageMapping: Equatable, Sendable {
    /// The page tables it was found in.
    public let space: AddressSpace
    /// Its first byte.
    public let start: VirtualAddress
    /// Where the first byte lies in memory.
    public let physical: GuestAddress
    /// From the first mapped byte to behind the last.
    public let size: Int
    /// The longest stretch that is neither written nor run, from the first byte: the read-only data, where the
    /// tables of symbols and types are. Nil if the kernel does not protect it, as early in its start.
    let constants: Range<Int>?

    /// The image may lie anywhere in the last GiB but for the last 16 MiB… of which 512 MiB or all are used
    /// (Linux, Documentation/arch/x86/x86_64/mm.rst; KERNEL_IMAGE_SIZE).
    static let areaStart = VirtualAddress(0xFFFF_FFFF_8000_0000)
    static let areaSize = 1 << 30
    /// Images are aligned to this much: CONFIG_PHYSICAL_ALIGN of all 64-bit kernels.
    static let alignment = 2 << 20
    /// Where it lies without address randomisation.
    static let usualStart = VirtualAddress(0xFFFF_FFFF_8100_0000)

    /// Looks for an image in page tables: the first page of its area that is mapped, and all that follow at
    /// the same distance from their physical addresses. Nil if there is none.
    init?(in space: AddressSpace, of image: GuestImage) throws(ReadError) {
        var first: (address: VirtualAddress, physical: GuestAddress)?
        var end = 0
        var offset = 0
        var constants = StretchSearch()
        while offset < Self.areaSize {
            let address = Self.areaStart + offset
            let walk = try space.walk(address, in: image)
            guard let mapping = walk.mapping else {
                // A table of 4 KiB pages may begin with holes; what is missing above it is missing for all.
                let level = walk.entries.last?.level ?? 4
                offset += level == 1 ? 4096 : Self.alignment
                continue
            }
            if let found = first {
                let distance = mapping.physical.rawValue &- found.physical.rawValue
                guard distance == address.rawValue - found.address.rawValue else { break }
            } else {
                first = (address, mapping.physical)
            }
            let step = Int(min(mapping.pageSize, UInt64(Self.alignment)))
            constants.add(offset..<offset + step, isWanted: !mapping.isWritable && !mapping.isExecutable)
            offset += step
            end = offset
        }
        guard let first else { return nil }
        self.space = space
        start = first.address
        physical = first.physical
        let skipped = Int(first.address.rawValue - Self.areaStart.rawValue)
        size = end - skipped
        self.constants = constants.longest.map { $0.lowerBound - skipped..<$0.upperBound - skipped }
    }

    /// Finds the longest of adjoining ranges.
    private struct StretchSearch {
        private(set) var longest: Range<Int>?
        private var current: Range<Int>?

        mutating func add(_ range: Range<Int>, isWanted: Bool) {
            guard isWanted else {
                current = nil
                return
            }
            let start = current.flatMap { $0.upperBound == range.lowerBound ? $0.lowerBound : nil }
            let stretch = (start ?? range.lowerBound)..<range.upperBound
            current = stretch
            if stretch.count > longest?.count ?? 0 { longest = stretch }
        }
    }

    /// - Parameters: as the properties.
    init(space: AddressSpace, start: VirtualAddress, physical: GuestAddress, size: Int) {
        self.space = space
        self.start = start
        self.physical = physical
        self.size = size
        constants = nil
    }

    /// Where a byte of the image lies in memory; nil if it is not in the image.
    @inline(__always)
    func physical(of address: VirtualAddress) -> GuestAddress? {
        let distance = address.rawValue &- start.rawValue
        return distance < UInt64(size) ? GuestAddress(physical.rawValue &+ distance) : nil
    }
}
