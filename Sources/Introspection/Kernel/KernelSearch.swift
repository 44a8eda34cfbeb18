internal import GuestMemory

/// Searches all memory of a guest for its kernel: for dumps that tell no registers.
///
/// What is looked for is the table of tokens, by the digits that are always in it. Memory passes through one
/// buffer; only around a table that proves itself a window is copied whole.
struct KernelSearch {
    private let image: GuestImage

    /// How much is read at once.
    private static let chunk = 4 << 20
    /// How far the symbol tables and the banner lie from the tokens at most: all are read-only data.
    private static let reach = 32 << 20
    /// How many places to look at closely: a few in an honest guest.
    private static let mostTables = 2_000
    private static let mostWindows = 16
    private static let mostBanners = 256

    init(_ image: GuestImage) {
        self.image = image
    }

    /// The first kernel whose tables, banner and page tables agree; nil if there is none.
    func find() throws(ReadError) -> (mapping: ImageMapping, symbols: SymbolTable)? {
        let pattern = TokenTable.digits
        var buffer = [UInt8](repeating: 0, count: Self.chunk + pattern.count)
        var tables = 0
        var windows = 0
        for region in image.regions {
            var offset: UInt64 = 0
            while offset < region.size {
                let count = Int(min(UInt64(buffer.count), region.size - offset))
                let start = region.start.rawValue + offset
                try fill(&buffer, count: count, from: GuestAddress(start))
                var from = 0
                while let place = ByteSearch.first(pattern, in: buffer, from: from, end: count) {
                    from = place + 1
                    tables += 1
                    guard tables <= Self.mostTables, windows < Self.mostWindows else { return nil }
                    let digits = start + UInt64(place)
                    guard try isTable(around: digits, in: region) else { continue }
                    windows += 1
                    if let found = try kernel(around: digits, in: region) { return found }
                }
                offset += UInt64(Self.chunk)
            }
        }
        return nil
    }

    private func fill(_ buffer: inout [UInt8], count: Int, from address: GuestAddress) throws(ReadError) {
        // SAFETY: UInt8 accepts every bit pattern.
        var span = buffer.mutableSpan
        var raw = unsafe span.mutableBytes
        var part = raw._mutatingExtracting(0..<count)
        try image.source.copy(from: address, into: &part)
    }

    /// Bytes around a place, and where they begin.
    private func window(
        around place: UInt64, before: Int, behind: Int, in region: GuestRange
    ) throws(ReadError) -> (bytes: [UInt8], start: UInt64) {
        let distance = min(UInt64(before), place - region.start.rawValue)
        // Tables are aligned in memory, and must be so in the copy.
        let first = max(region.start.rawValue, (place - distance) & ~0xFFF)
        let left = region.end.rawValue - place
        let last = place + min(UInt64(behind), left)
        return (try image.bulk(at: GuestAddress(first), count: Int(last - first)), first)
    }

    private func isTable(around digits: UInt64, in region: GuestRange) throws(ReadError) -> Bool {
        let (bytes, start) = try window(
            around: digits, before: TokenTable.reach.before, behind: TokenTable.reach.behind, in: region)
        return TokenTable(digitsAt: Int(digits - start), in: ByteTable(bytes)) != nil
    }

    /// The symbols, and the page tables that they name. What is found is true at physical addresses first.
    private func kernel(
        around digits: UInt64, in region: GuestRange
    ) throws(ReadError) -> (mapping: ImageMapping, symbols: SymbolTable)? {
        let (bytes, start) = try window(
            around: digits, before: Self.reach, behind: Self.reach, in: region)
        // As if physical addresses were virtual: right for tables that count from their own place.
        guard let tokens = TokenTable(digitsAt: Int(digits - start), in: ByteTable(bytes)),
            var symbols = try? KernelSymbols.read(bytes, at: VirtualAddress(start), tokens: tokens),
            let banner = symbols.address(of: "linux_banner"),
            let table = symbols.address(of: "init_top_pgt") ?? symbols.address(of: "swapper_pg_dir")
        else { return nil }
        let pattern = Array("Linux version ".utf8)
        var from = 0
        var banners = 0
        while banners < Self.mostBanners, let place = ByteSearch.first(pattern, in: bytes, from: from) {
            from = place + 1
            banners += 1
            let bannerAt = start + UInt64(place)
            // Both lie in the image, so their distance is the same in memory.
            let root = GuestAddress(bannerAt &+ (table.rawValue &- banner.rawValue))
            guard root.rawValue & 0xFFF == 0, image.contains(root, size: 4096) else { continue }
            for levels in [4, 5] {
                let space = AddressSpace(root: root, levels: levels)
                guard let mapping = try? ImageMapping(in: space, of: image), mapping.size >= 8 << 20
                else { continue }
                if !symbols.base.isKernel { symbols.base = mapping.start }
                guard let banner = symbols.address(of: "linux_banner"),
                    mapping.physical(of: banner)?.rawValue == bannerAt
                else { continue }
                return (mapping, symbols)
            }
        }
        return nil
    }
}
