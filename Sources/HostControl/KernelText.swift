/// Reads the text of the kernel's files without allocating.
enum KernelText {
    /// The next number from a place on, which moves behind it; nil if what comes next, blanks left out, is no
    /// number of 64 bits.
    static func number(in text: borrowing Span<UInt8>, at place: inout Int) -> UInt64? {
        while place < text.count, isBlank(text[place]) { place += 1 }
        let start = place
        var value: UInt64 = 0
        while place < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[place]) {
            let (product, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = product.addingReportingOverflow(UInt64(text[place] - UInt8(ascii: "0")))
            guard !tooLarge, !overflow else { return nil }
            value = sum
            place += 1
        }
        guard place > start, place == text.count || isBlank(text[place]) else { return nil }
        return value
    }

    /// The number behind a word that begins a line, as in `cpu.stat`; nil if there is no such line.
    static func number(of key: StaticString, in text: borrowing Span<UInt8>) -> UInt64? {
        var line = 0
        while line < text.count {
            var place = line + key.utf8CodeUnitCount
            if place < text.count, isBlank(text[place]), begins(with: key, text, at: line) {
                return number(in: text, at: &place)
            }
            while line < text.count, text[line] != UInt8(ascii: "\n") { line += 1 }
            line += 1
        }
        return nil
    }

    /// The number behind a mark in the line that begins with a word, as in `some avg10=0.00 total=7`.
    static func number(
        after mark: StaticString, inLine word: StaticString, of text: borrowing Span<UInt8>
    ) -> UInt64? {
        var line = 0
        while line < text.count {
            let isWanted = begins(with: word, text, at: line)
            while line < text.count, text[line] != UInt8(ascii: "\n") {
                if isWanted, begins(with: mark, text, at: line) {
                    var place = line + mark.utf8CodeUnitCount
                    return number(in: text, at: &place)
                }
                line += 1
            }
            line += 1
        }
        return nil
    }

    /// The first bytes as text, for a message.
    static func excerpt(of text: borrowing Span<UInt8>) -> String {
        var bytes: [UInt8] = []
        for index in 0..<min(text.count, 60) where text[index] != UInt8(ascii: "\n") || index + 1 < text.count
        {
            bytes.append(text[index] == UInt8(ascii: "\n") ? UInt8(ascii: " ") : text[index])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func begins(with key: StaticString, _ text: borrowing Span<UInt8>, at start: Int) -> Bool {
        // SAFETY: a static string's bytes live as long as the program, and are as many as it says.
        let bytes = unsafe UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount)
        guard text.count - start >= key.utf8CodeUnitCount else { return false }
        for index in 0..<key.utf8CodeUnitCount where unsafe bytes[index] != text[start + index] {
            return false
        }
        return true
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\n")
    }
}
