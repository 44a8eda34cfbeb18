internal import CLinux

/// The table of tokens that symbol names are compressed with: 256 texts, of which those of single characters
/// stand at the character's own number (Linux, scripts/kallsyms.c).
///
/// It is found by the digits, which are always there, and confirmed by the index the kernel keeps behind it.
struct TokenTable {
    /// Where in the searched bytes the table begins.
    let start: Int
    /// Where the index of 256 offsets begins behind it.
    let indexStart: Int
    /// The texts one after the other, and where each begins; one more for the end.
    let text: [UInt8]
    let starts: [Int]

    /// Texts are short: a run of names that compresses better is split.
    private static let longestToken = 256
    private static let mostTries = 20_000
    /// All of the table lies within so many bytes before its digits, and so many from them on: 48 texts, and
    /// 65,536 bytes of text with the index.
    static let reach = (before: 48 * 257 + 8, behind: 65_536 + 512 + 16)
    static let digits: [UInt8] = (UInt8(ascii: "0")...UInt8(ascii: "9")).flatMap { [$0, 0] }

    /// Searches for the table.
    static func find(in table: ByteTable) -> TokenTable? {
        var from = 0
        var tries = 0
        // A kernel has a handful of places that look so; a guest that fills its memory with them has many.
        while tries < mostTries, let place = ByteSearch.first(digits, in: table.bytes, from: from) {
            if let found = TokenTable(digitsAt: place, in: table) { return found }
            from = place + 1
            tries += 1
        }
        return nil
    }

    /// - Parameter place: where the text for `0`, number 48, begins.
    init?(digitsAt place: Int, in table: ByteTable) {
        let bytes = table.bytes
        guard place > 0, bytes[place - 1] == 0 else { return nil }
        // Back over the 48 texts before: each ends with a zero byte. Text 0 begins at a multiple of eight
        // behind padding, which looks like empty texts: so their ends are counted.
        var start = place
        for _ in 0..<48 {
            var begin = start - 1
            guard begin >= 1 else { return nil }
            while begin > 0, bytes[begin - 1] != 0, start - begin <= Self.longestToken { begin -= 1 }
            guard start - begin <= Self.longestToken else { return nil }
            start = begin
        }
        // Forward: all 256, and the index that must agree.
        var starts: [Int] = []
        var text: [UInt8] = []
        var offsets: [UInt16] = []
        var position = start
        for _ in 0..<256 {
            starts.append(text.count)
            guard let offset = UInt16(exactly: position - start) else { return nil }
            offsets.append(offset)
            while position < bytes.count, bytes[position] != 0, position - start < 65_536 {
                text.append(bytes[position])
                position += 1
            }
            guard position < bytes.count else { return nil }
            position += 1
        }
        starts.append(text.count)
        let indexStart = (position + 7) / 8 * 8
        for (number, offset) in offsets.enumerated() {
            guard table.load(UInt16.self, at: indexStart + 2 * number) == offset else { return nil }
        }
        self.start = start
        self.indexStart = indexStart
        self.text = text
        self.starts = starts
    }
}

/// Finding bytes among many.
enum ByteSearch {
    /// Where `pattern` is first found at or behind `from`.
    ///
    /// - Parameter end: how many of the bytes to search; nil for all.
    static func first(_ pattern: [UInt8], in bytes: [UInt8], from: Int = 0, end: Int? = nil) -> Int? {
        let end = min(bytes.count, end ?? bytes.count)
        guard from >= 0, from < end, !pattern.isEmpty else { return nil }
        return unsafe bytes.withUnsafeBytes { haystack in
            unsafe pattern.withUnsafeBytes { needle -> Int? in
                guard let start = haystack.baseAddress, let what = needle.baseAddress else { return nil }
                // SAFETY: both pointers are to as many bytes as are said.
                guard
                    let found = unsafe clinux_find_bytes(
                        start + from, end - from, what, needle.count)
                else { return nil }
                return unsafe found - start
            }
        }
    }
}
