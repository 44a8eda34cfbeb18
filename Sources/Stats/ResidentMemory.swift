/// How much memory of a process is resident, told apart by mappings: the guest's and all other.
public struct ResidentMemory: Sendable, Equatable {
    /// Pages of the guest's RAM that this host holds, in bytes.
    public private(set) var guest: UInt64 = 0
    /// Pages of everything else in the process, programs and shared pages included, in bytes.
    public private(set) var other: UInt64 = 0

    /// Adds up the text of `/proc/PID/smaps` (proc(5)).
    ///
    /// A mapping counts as the guest's if half of it or more lies in the range: the kernel may have merged
    /// the RAM with a neighbour.
    /// - Returns: nil if the text is something else.
    public init?(smaps: [UInt8], guest range: Range<UInt64>) {
        var isGuest: Bool?
        for line in smaps.split(separator: UInt8(ascii: "\n")) {
            if let mapping = Self.mapping(line) {
                let low = max(mapping.lowerBound, range.lowerBound)
                let high = min(mapping.upperBound, range.upperBound)
                isGuest = high > low && high - low >= UInt64(mapping.count) / 2
            } else if line.starts(with: "Rss:".utf8) {
                guard let isGuest, let kibibytes = Self.number(line), kibibytes < 1 << 50 else { return nil }
                if isGuest { guest &+= kibibytes << 10 } else { other &+= kibibytes << 10 }
            }
        }
        guard isGuest != nil else { return nil }
    }

    /// The range of a line like `7f1c-7f2d rw-p …`.
    private static func mapping(_ line: ArraySlice<UInt8>) -> Range<UInt64>? {
        let word = line.prefix { $0 != UInt8(ascii: " ") }
        let ends = word.split(separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2, let start = UInt64(String(decoding: ends[0], as: UTF8.self), radix: 16),
            let end = UInt64(String(decoding: ends[1], as: UTF8.self), radix: 16), start < end,
            end - start <= UInt64(Int.max)
        else { return nil }
        return start..<end
    }

    /// The number of a line like `Rss:  12 kB`.
    private static func number(_ line: ArraySlice<UInt8>) -> UInt64? {
        let fields = line.split(separator: UInt8(ascii: " "))
        return fields.count == 3 ? UInt64(String(decoding: fields[1], as: UTF8.self)) : nil
    }
}
