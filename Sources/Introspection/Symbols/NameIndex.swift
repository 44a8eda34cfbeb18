/// Finds numbers by the hash of a name.
///
/// A sorted array and not a hash table: whoever chooses the names, a guest that is, could make a hash table
/// quadratic.
struct NameIndex: Sendable {
    /// The hash in the upper half, the number in the lower, ascending.
    let entries: [UInt64]

    init(_ names: [(number: UInt32, hash: UInt32)]) {
        var entries: [UInt64] = names.map { name in UInt64(name.hash) << 32 | UInt64(name.number) }
        entries.sort()
        self.entries = entries
    }

    /// Entries as they were kept in a file; nil if they are not ascending, or not of as many names.
    init?(entries: [UInt64], count: Int) {
        guard entries.count == count, zip(entries, entries.dropFirst()).allSatisfy(<),
            entries.allSatisfy({ Int($0 & 0xFFFF_FFFF) < count })
        else { return nil }
        self.entries = entries
    }

    /// The numbers with that hash, ascending. Their names are still to be compared.
    func numbers(withHash hash: UInt32) -> some Sequence<UInt32> {
        entries[place(UInt64(hash) << 32)..<place((UInt64(hash) + 1) << 32)].lazy.map {
            UInt32(truncatingIfNeeded: $0)
        }
    }

    /// Where the first entry that is not below `wanted` stands.
    private func place(_ wanted: UInt64) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// FNV-1a of 64 bits, folded. A span: slices of arrays would count references for every name.
    static func hash(_ text: borrowing Span<UInt8>, _ name: Range<Int>) -> UInt32 {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in name { value = (value ^ UInt64(text[index])) &* 0x100_0000_01B3 }
        return UInt32(truncatingIfNeeded: value ^ value >> 32)
    }
}
