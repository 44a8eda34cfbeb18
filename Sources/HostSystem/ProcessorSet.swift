/// A set of this host's processors, by the numbers the kernel gives them: `cpu_set_t`, and the lists of
/// cpuset(7).
public struct ProcessorSet: Sendable, Equatable, CustomStringConvertible {
    /// One more than the highest number that can be told; C constant: `CPU_SETSIZE`.
    public static let capacity = 1024
    /// A bit for each processor, number 0 first, without empty words at the end.
    private var words: [UInt64]

    /// No processor.
    public init() { words = [] }

    /// These processors. Numbers from `capacity` on, and negative ones, are left out.
    public init(_ numbers: some Sequence<Int>) {
        words = []
        for number in numbers { insert(number) }
    }

    /// From a list as cpuset(7) has them: `0-3,8`.
    ///
    /// - Returns: nil if the text is no such list.
    public init?(list: some StringProtocol) {
        words = []
        for part in list.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil,
                first >= 0, first <= last, last < Self.capacity
            else { return nil }
            for number in first...last { insert(number) }
        }
    }

    /// How many there are.
    public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
    /// Whether there are none.
    public var isEmpty: Bool { words.isEmpty }
    /// The numbers, in order.
    public var numbers: [Int] { (0..<words.count * 64).filter(contains) }

    /// Whether a processor is one of them.
    public func contains(_ number: Int) -> Bool {
        number >= 0 && number / 64 < words.count && words[number / 64] >> UInt64(number % 64) & 1 == 1
    }

    /// Adds a processor. A number that cannot be told changes nothing.
    public mutating func insert(_ number: Int) {
        guard (0..<Self.capacity).contains(number) else { return }
        while words.count <= number / 64 { words.append(0) }
        words[number / 64] |= 1 << UInt64(number % 64)
    }

    /// Those that are in both.
    public func intersection(_ other: ProcessorSet) -> ProcessorSet {
        ProcessorSet(numbers.filter(other.contains))
    }

    /// The list of cpuset(7): `0-3,8`; empty for none.
    public var description: String {
        var parts: [String] = []
        let numbers = numbers
        var start = 0
        while start < numbers.count {
            var end = start
            while end + 1 < numbers.count, numbers[end + 1] == numbers[end] + 1 { end += 1 }
            parts.append(start == end ? "\(numbers[start])" : "\(numbers[start])-\(numbers[end])")
            start = end + 1
        }
        return parts.joined(separator: ",")
    }

    /// As the kernel takes it, all words of it.
    var kernelWords: [UInt64] {
        words + [UInt64](repeating: 0, count: Self.capacity / 64 - words.count)
    }

    /// From the kernel's words.
    init(kernelWords: [UInt64]) {
        words = Array(kernelWords.prefix(1 + (kernelWords.lastIndex { $0 != 0 } ?? -1)))
    }
}
