internal import Glibc
public import HostSystem

/// A set of a guest's pages by their number in RAM (`PhysicalMemory.page(at:)`): a bitmap, whose own
/// memory is only there where a page was ever put in, 32 KiB a GiB.
///
/// A second bitmap says which words of the first are not zero, so that walking a set with few pages in a
/// large guest takes no time. Nothing allocates after the start.
@safe
public struct PageSet: ~Copyable, @unchecked Sendable {
    // @unchecked: the words belong to this value alone.

    /// How many pages there are to choose from: numbers from 0.
    public let capacity: Int
    /// How many pages are in the set.
    public private(set) var count = 0

    private let storage: Mapping
    /// Bit n of word w: page 64 w + n is in.
    private let words: UnsafeMutablePointer<UInt64>
    /// Bit n of word w: `words[64 w + n]` is not zero.
    private let summary: UnsafeMutablePointer<UInt64>
    /// The words of the summary that can be other than zero.
    private var touched: Range<Int> = 0..<0

    /// An empty set.
    public init(capacity: Int) throws(SystemError) {
        let wordCount = (capacity + 63) / 64
        let summaryCount = (wordCount + 63) / 64
        storage = try Mapping.anonymous(size: max(1, (wordCount + summaryCount) * 8))
        self.capacity = capacity
        // SAFETY: the mapping has room for both, is zero, page-aligned, and lives as long as this value.
        unsafe words = storage.start.bindMemory(to: UInt64.self, capacity: wordCount + summaryCount)
        // SAFETY: as above; the summary stands behind the words.
        unsafe summary = words + wordCount
    }

    /// Whether a page is in. The number is below `capacity`.
    public func contains(_ page: Int) -> Bool {
        precondition(page >= 0 && page < capacity)
        // SAFETY: page / 64 is below the number of words.
        return unsafe words[page / 64] & Self.bit(page) != 0
    }

    /// Puts a page in. The number is below `capacity`.
    ///
    /// - Returns: false if it was there.
    @discardableResult
    public mutating func insert(_ page: Int) -> Bool {
        precondition(page >= 0 && page < capacity)
        let word = page / 64
        // SAFETY: page / 64 is below the number of words.
        let old = unsafe words[word]
        let bit = Self.bit(page)
        guard old & bit == 0 else { return false }
        // SAFETY: as above.
        unsafe words[word] = old | bit
        if old == 0 { mark(word) }
        count += 1
        return true
    }

    /// Puts pages in. The numbers are below `capacity`.
    ///
    /// - Returns: how many were not there.
    @discardableResult
    public mutating func insert(_ pages: Range<Int>) -> Int {
        guard !pages.isEmpty else { return 0 }
        precondition(pages.lowerBound >= 0 && pages.upperBound <= capacity)
        var added = 0
        for word in pages.lowerBound / 64...(pages.upperBound - 1) / 64 {
            let bits = Self.bits(of: pages, in: word)
            // SAFETY: the word holds a page below the capacity.
            let old = unsafe words[word]
            added += (bits & ~old).nonzeroBitCount
            // SAFETY: as above.
            unsafe words[word] = old | bits
            if old == 0 { mark(word) }
        }
        count += added
        return added
    }

    /// Takes a page out. The number is below `capacity`.
    ///
    /// - Returns: false if it was not there.
    @discardableResult
    public mutating func remove(_ page: Int) -> Bool {
        guard contains(page) else { return false }
        // SAFETY: checked by `contains`. The summary may say of a zero word that it is none: that costs a look.
        unsafe words[page / 64] &= ~Self.bit(page)
        count -= 1
        return true
    }

    /// Empties the set, and gives what it took of the host back.
    public mutating func removeAll() {
        guard !touched.isEmpty else { return }
        // A hint of speed alone: should the kernel not take it, the words are cleared one by one.
        if (try? storage.advise(MADV_DONTNEED, length: storage.size)) == nil {
            // SAFETY: the mapping is ours as a whole.
            unsafe storage.start.initializeMemory(as: UInt8.self, repeating: 0, count: storage.size)
        }
        count = 0
        touched = 0..<0
    }

    /// Takes all pages out, and hands each longest run of them to `body`, from the lowest up.
    public mutating func drainRuns(_ body: (Range<Int>) -> Void) {
        guard count > 0 else { return }
        var run: Range<Int> = 0..<0
        for index in touched {
            // SAFETY: `touched` lies in the summary.
            var rest = unsafe summary[index]
            guard rest != 0 else { continue }
            // SAFETY: as above.
            unsafe summary[index] = 0
            while rest != 0 {
                let word = index * 64 + rest.trailingZeroBitCount
                rest &= rest &- 1
                // SAFETY: the summary has bits of existing words alone.
                var bits = unsafe words[word]
                unsafe words[word] = 0
                while bits != 0 {
                    let first = bits.trailingZeroBitCount
                    let length = (~(bits &>> UInt64(first))).trailingZeroBitCount
                    let end = min(64, first + length)
                    bits &= end == 64 ? 0 : ~0 &<< UInt64(end)
                    let found = word * 64 + first..<word * 64 + end
                    if run.upperBound == found.lowerBound, !run.isEmpty {
                        run = run.lowerBound..<found.upperBound
                    } else {
                        if !run.isEmpty { body(run) }
                        run = found
                    }
                }
            }
        }
        if !run.isEmpty { body(run) }
        count = 0
        touched = 0..<0
    }

    private mutating func mark(_ word: Int) {
        let index = word / 64
        // SAFETY: the summary has a bit for each word.
        unsafe summary[index] |= 1 &<< UInt64(word & 63)
        touched =
            touched.isEmpty
            ? index..<index + 1 : min(touched.lowerBound, index)..<max(touched.upperBound, index + 1)
    }

    private static func bit(_ page: Int) -> UInt64 { 1 &<< UInt64(page & 63) }

    /// Those bits of a word that stand for pages of the range; the word holds at least one.
    private static func bits(of pages: Range<Int>, in word: Int) -> UInt64 {
        let first = max(0, pages.lowerBound - word * 64)
        let end = min(64, pages.upperBound - word * 64)
        let upTo: UInt64 = end == 64 ? ~0 : 1 &<< UInt64(end) &- 1
        return upTo & ~0 &<< UInt64(first)
    }
}
