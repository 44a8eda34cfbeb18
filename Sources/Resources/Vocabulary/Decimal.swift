/// Decimal fractions as whole numbers of their smallest unit: 1.5 with six decimals is 1,500,000.
enum Decimal {
    enum Reading: Equatable {
        case value(Int64)
        case malformed
        case tooFine
        case tooLarge
    }

    /// Reads digits, and perhaps a point and more digits; nothing else, no sign and no space.
    static func read(_ text: Substring.UTF8View, decimals: Int, most: Int64) -> Reading {
        let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, !whole.isEmpty, parts.allSatisfy({ $0.allSatisfy(isDigit) }) else {
            return .malformed
        }
        var fraction = parts.count == 2 ? parts[1] : whole.prefix(0)
        guard parts.count == 1 || !fraction.isEmpty else { return .malformed }
        while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
        guard fraction.count <= decimals else { return .tooFine }
        var value: Int64 = 0
        let zeros = repeatElement(UInt8(ascii: "0"), count: decimals - fraction.count)
        for run in [Array(whole), Array(fraction), Array(zeros)] {
            for digit in run {
                let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
                let (sum, carried) = tens.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
                guard !overflow, !carried else { return .tooLarge }
                value = sum
            }
        }
        return value <= most ? .value(value) : .tooLarge
    }

    /// The shortest text of a number of smallest units; not negative.
    static func text(_ value: Int64, decimals: Int) -> String {
        var unit: Int64 = 1
        for _ in 0..<decimals { unit *= 10 }
        var fraction = String(value % unit + unit).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return fraction.isEmpty ? "\(value / unit)" : "\(value / unit).\(fraction)"
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

/// A text from outside for a message: short, in quotes, without control characters.
func quoted(_ text: String) -> String {
    let shown = text.unicodeScalars.prefix(64).map { scalar in
        scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format
            ? "?" : String(scalar)
    }
    return "'\(shown.joined())\(text.unicodeScalars.count > 64 ? "…" : "")'"
}
