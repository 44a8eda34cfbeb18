/// Finds the word that was probably meant.
public enum Spelling {
    /// The known word nearest to a mistyped one; nil when none is near.
    ///
    /// Near is: the same but for case and separators, one the beginning of the other (from three
    /// letters; of several the one that has most in common), or few typing errors for the length. The first of
    /// equally near words wins.
    public static func nearest(to word: String, among known: [String]) -> String? {
        // A hostile word is long; a typing error is not.
        guard word.utf8.count <= 40 else { return nil }
        let typed = plain(word)
        guard !typed.isEmpty else { return nil }
        var best: (word: String, distance: (errors: Int, rest: Int))?
        for candidate in known {
            let wanted = plain(candidate)
            let distance: (errors: Int, rest: Int)
            if min(typed.count, wanted.count) >= 3, typed.starts(with: wanted) || wanted.starts(with: typed) {
                distance = (0, abs(typed.count - wanted.count))
            } else {
                distance = (errors(typed, wanted), 0)
            }
            guard distance.errors <= max(1, min(typed.count, wanted.count) / 3) else { continue }
            if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
        }
        return best?.word
    }

    private static func plain(_ word: String) -> [UInt8] {
        word.lowercased().utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") }
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    private static func errors(_ one: [UInt8], _ other: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...other.count)
        for (row, byte) in one.enumerated() {
            var current = [row + 1]
            for (column, otherByte) in other.enumerated() {
                var cost = min(
                    last[column] + (byte == otherByte ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, byte == other[column - 1], one[row - 1] == otherByte {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[other.count]
    }
}
