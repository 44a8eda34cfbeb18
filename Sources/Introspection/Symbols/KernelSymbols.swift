/// Reads the kallsyms tables of a kernel out of a copy of its read-only data.
///
/// The tables' order and forms by version (scripts/kallsyms.c, `write_src`):
///
/// | from | what |
/// |---|---|
/// | 4.6 | offsets, relative_base, num_syms, names, markers, token_table, token_index |
/// | 4.20 | markers of 32 bits instead of 64 |
/// | 6.1 | names of more than 127 tokens have a length of two bytes |
/// | 6.2 | seqs_of_names (three bytes each) before token_table |
/// | 6.4 | num_syms, names, markers, token_table, token_index, offsets, relative_base, seqs_of_names |
/// | 7.0 | each offset counts from its own place; no relative_base |
///
/// No version is asked for: each form is tried and must prove itself.
struct KernelSymbols {
    private let table: ByteTable
    private let tokens: TokenTable
    /// The virtual address of the copy's first byte, if it is known.
    private let start: VirtualAddress?
    private let count: Int
    private let countPlace: Int
    private let names: Int
    private let hasLongNames: Bool

    /// The kernels of distributions have 60,000 to 300,000.
    private static let counts = 2_000...4_000_000
    /// How many names to look at in search of the right place, for each byte: a kernel needs less than one.
    private static let mostSteps = 4
    /// A name of some 25 characters on average; this much is no kernel.
    private static let mostText = 128 << 20

    /// Why there are no symbols.
    enum Failure: Error {
        case noTokens
        case noNames
        case noAddresses
        case noImageStart
    }

    /// - Parameters:
    ///   - bytes: the kernel's image, or the part with the read-only data.
    ///   - start: the virtual address of the first byte; nil if that is to be found out.
    ///   - tokens: the tokens, if they are found already.
    static func read(
        _ bytes: [UInt8], at start: VirtualAddress?, tokens: TokenTable? = nil
    ) throws(Failure) -> SymbolTable {
        let table = ByteTable(bytes)
        guard let tokens = tokens ?? TokenTable.find(in: table) else { throw .noTokens }
        guard let reader = KernelSymbols(table, tokens, start) else { throw .noNames }
        return try reader.symbols()
    }

    /// Goes back from the tokens to the number of symbols, which lies right before the names: the names must
    /// end where markers or what follows begins.
    private init?(_ table: ByteTable, _ tokens: TokenTable, _ start: VirtualAddress?) {
        self.table = table
        self.tokens = tokens
        self.start = start
        // A name takes at least two bytes and at most some dozen on average.
        var place = tokens.start - 8
        let lowest = max(0, tokens.start - 64 * 1024 * 1024)
        var steps = 1_000_000 + Self.mostSteps * tokens.start
        while place >= lowest {
            defer { place -= 8 }
            guard let word = table.load(UInt64.self, at: place), word >> 32 == 0,
                let count = Int(exactly: word), Self.counts.contains(count),
                place + 8 + count * 2 < tokens.start
            else { continue }
            for hasLongNames in [true, false] {
                guard steps > 0 else { return nil }
                if Self.namesAreTrue(table, place + 8, count, hasLongNames, tokens, &steps) {
                    self.count = count
                    countPlace = place
                    names = place + 8
                    self.hasLongNames = hasLongNames
                    return
                }
            }
        }
        return nil
    }

    /// Whether `count` names from here on end before markers that agree with them.
    private static func namesAreTrue(
        _ table: ByteTable, _ start: Int, _ count: Int, _ hasLongNames: Bool, _ tokens: TokenTable,
        _ steps: inout Int
    ) -> Bool {
        let bytes = table.bytes
        let limit = tokens.start
        var position = start
        // Where every 256th name begins, as the markers have it.
        var marks: [Int] = []
        defer { steps -= marks.count * 256 + 16 }
        for number in 0..<count {
            if number & 0xFF == 0 { marks.append(position - start) }
            guard position < limit else { return false }
            var length = Int(bytes[position])
            position += 1
            if hasLongNames, length >= 0x80 {
                guard position < limit else { return false }
                length = length & 0x7F | Int(bytes[position]) << 7
                position += 1
            }
            guard length > 0 else { return false }
            position += length
        }
        let markers = (position + 7) / 8 * 8
        func agree(_ width: Int) -> Bool {
            for (index, mark) in marks.enumerated() {
                let place = markers + index * width
                let value =
                    width == 4
                    ? table.load(UInt32.self, at: place).map(UInt64.init)
                    : table.load(UInt64.self, at: place)
                guard value == UInt64(mark) else { return false }
            }
            return true
        }
        return position <= limit && (agree(4) || agree(8))
    }

    private func symbols() throws(Failure) -> SymbolTable {
        guard let (text, starts) = expandedNames() else { throw .noNames }
        guard let addresses = addresses() else { throw .noAddresses }
        guard let base = imageStart(addresses, text, starts) else { throw .noImageStart }
        let offsets = addresses.map { Int64(bitPattern: $0 &- base) }
        return SymbolTable(base: VirtualAddress(base), offsets: offsets, names: text, starts: starts)
    }

    /// Nil if they have no end.
    private func expandedNames() -> (text: [UInt8], starts: [UInt32])? {
        // Spans: slices of arrays would count references for every token.
        let bytes = table.bytes.span
        let tokenText = tokens.text.span
        let tokenStarts = tokens.starts.span
        var text: [UInt8] = []
        text.reserveCapacity(count * 32)
        var starts: [UInt32] = []
        starts.reserveCapacity(count + 1)
        var position = names
        for _ in 0..<count {
            guard text.count <= Self.mostText else { return nil }
            starts.append(UInt32(text.count))
            var length = Int(bytes[position])
            position += 1
            if hasLongNames, length >= 0x80 {
                length = length & 0x7F | Int(bytes[position]) << 7
                position += 1
            }
            for index in position..<position + length {
                // Its own bounds: a name has as many as its length says, and each token may be long.
                guard text.count <= Self.mostText else { return nil }
                let token = Int(bytes[index])
                for place in tokenStarts[token]..<tokenStarts[token + 1] { text.append(tokenText[place]) }
            }
            // A symbol has a type letter, even if all its tokens are empty.
            if text.count == Int(starts[starts.count - 1]) { text.append(UInt8(ascii: "?")) }
            position += length
        }
        starts.append(UInt32(truncatingIfNeeded: text.count))
        return (text, starts)
    }

    // MARK: Addresses

    /// Tries every form; the right one puts the symbols of the image into ascending order.
    private func addresses() -> [UInt64]? {
        let padded = (4 * count + 7) / 8 * 8
        let behind = (tokens.indexStart + 512 + 7) / 8 * 8
        // Before 6.4: offsets, relative_base, num_syms.
        if let base = table.load(UInt64.self, at: countPlace - 8), isKernel(base),
            let found = relative(offsetsAt: countPlace - 8 - padded, base: base)
        {
            return found
        }
        // From 6.4: behind the token index.
        if let base = table.load(UInt64.self, at: behind + padded), isKernel(base),
            let found = relative(offsetsAt: behind, base: base)
        {
            return found
        }
        // From 7.0: each from its own place.
        if let start {
            return selfRelative(offsetsAt: behind, start)
        }
        return nil
    }

    private func isKernel(_ address: UInt64) -> Bool { address >> 31 == 0x1_FFFF_FFFF }

    /// 32-bit offsets from a base. With per-CPU symbols as absolute numbers (KALLSYMS_ABSOLUTE_PERCPU) those
    /// are positive, and all others negative: -1 - offset.
    private func relative(offsetsAt place: Int, base: UInt64) -> [UInt64]? {
        guard table.slice(place, count: 4 * count) != nil else { return nil }
        var values: [Int32] = []
        values.reserveCapacity(count)
        var negative = 0
        for index in 0..<count {
            let value = table.load(Int32.self, at: place + 4 * index) ?? 0
            if value < 0 { negative += 1 }
            values.append(value)
        }
        let hasAbsolute = negative > count / 2
        let addresses = values.map { value -> UInt64 in
            if !hasAbsolute { return base &+ UInt64(UInt32(bitPattern: value)) }
            return value < 0 ? base &+ UInt64(bitPattern: -1 - Int64(value)) : UInt64(value)
        }
        return isAscending(addresses) ? addresses : nil
    }

    private func selfRelative(offsetsAt place: Int, _ start: VirtualAddress) -> [UInt64]? {
        guard table.slice(place, count: 4 * count) != nil else { return nil }
        let addresses = (0..<count).map { index -> UInt64 in
            let value = Int64(table.load(Int32.self, at: place + 4 * index) ?? 0)
            return start.rawValue &+ UInt64(place + 4 * index) &+ UInt64(bitPattern: value)
        }
        return isAscending(addresses) ? addresses : nil
    }

    /// The kernel sorts its symbols; per-CPU ones and a few linker constants are apart.
    private func isAscending(_ addresses: [UInt64]) -> Bool {
        var wrong = 0
        for (left, right) in zip(addresses, addresses.dropFirst()) where left > right { wrong += 1 }
        return wrong <= 4
    }

    /// Where the image begins: `_text`, or else `_stext`. A kernel whose table lacks both begins where it was
    /// found, if its first symbol is near.
    private func imageStart(
        _ addresses: [UInt64], _ text: [UInt8], _ starts: [UInt32]
    ) -> UInt64? {
        for name in ["_text", "_stext", "startup_64"] {
            let wanted = Array(name.utf8)
            for number in addresses.indices
            where text[Int(starts[number]) + 1..<Int(starts[number + 1])].elementsEqual(wanted) {
                return addresses[number]
            }
        }
        guard let start, start.isKernel, let first = addresses.lazy.filter({ $0 >> 63 == 1 }).min(),
            first &- start.rawValue < UInt64(ImageMapping.alignment)
        else { return nil }
        return start.rawValue
    }
}
