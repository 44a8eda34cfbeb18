@testable import Resources

/// Numbers that a seed repeats: xorshift64* (Marsaglia 2003, Vigna 2016).
struct SeededNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = (seed &+ 1) &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 0x2545_F491_4F6C_DD1D
    }

    /// 0 to one less than a limit.
    mutating func below(_ limit: Int) -> Int { Int((next() >> 1) % UInt64(max(limit, 1))) }

    mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    mutating func shuffle<Element>(_ array: inout [Element]) {
        for place in array.indices.reversed().dropLast() { array.swapAt(place, below(place + 1)) }
    }
}
