/// Divides a whole number among claimants by their shares, each within bounds, so that nothing is lost.
///
/// There is a price, the amount for one share. Everyone gets the price times their shares, rounded, raised
/// to their lower bound or cut to their upper one; the right price is the one at which the sum is what there
/// is (water filling; with bounds this also readjusts infeasible weights). The price is a whole number of
/// 2⁻²⁴: it is exact, the same everywhere, and as it rises one step nobody's part rises by more than 1. If
/// the next price were too high for all, those whose part would rise get their 1 in order of place until
/// all is given.
///
/// So parts are a function of one rising pair, (price, place): more to divide never takes from anyone, and
/// more shares for one never take from it nor give to others. Largest remainders have neither property
/// (Balinski and Young, "Fair Representation", on divisor methods).
enum FairPrice {
    static let fractionBits: UInt64 = 24
    /// Shares up to this keep the step at 1: 8192 virtual CPUs at 2000.
    static let mostShares: UInt64 = 1 << fractionBits

    /// What so many shares are worth, rounded to the nearest.
    @inline(always)
    static func part(shares: UInt64, price: UInt64) -> UInt64 {
        let product = shares.multipliedFullWidth(by: price)
        let (low, carry) = product.low.addingReportingOverflow(1 << (fractionBits - 1))
        return (product.high &+ (carry ? 1 : 0)) << (64 - fractionBits) | low >> fractionBits
    }

    /// As `part`, within bounds.
    @inline(always)
    static func part(shares: UInt64, price: UInt64, from low: Int64, to high: Int64) -> Int64 {
        let wished = Self.part(shares: shares, price: price)
        return max(low, wished >= UInt64(high) ? high : Int64(wished))
    }

    /// Divides an amount.
    ///
    /// - Parameters:
    ///   - amount: at least the sum of the lower bounds, less than that of the upper ones, and not more
    ///     than `CPUAmount.greatest`.
    ///   - range: the places of the claimants in the arrays.
    ///   - low: lower bounds; nil: zero for all.
    ///   - parts: what each gets is written here.
    /// - Returns: the price.
    static func divide(
        _ amount: Int64, among range: Range<Int>, shares: [UInt64], low: [Int64]?, high: [Int64],
        into parts: inout [Int64]
    ) -> UInt64 {
        // The arrays end at the claimants, which frees the loops of most of their checks.
        let shares = shares[range]
        let high = high[range]
        let low = low ?? []
        let lows = low.isEmpty ? low[0..<0] : low[range]

        func sum(_ price: UInt64) -> Int64 {
            var sum: Int64 = 0
            if lows.isEmpty {
                for place in range {
                    sum &+= part(shares: shares[place], price: price, from: 0, to: high[place])
                }
            } else {
                for place in range {
                    sum &+= part(shares: shares[place], price: price, from: lows[place], to: high[place])
                }
            }
            return sum
        }

        // The greatest price whose sum is not too much. It is not below what remains beyond the lower bounds
        // by all shares, and seldom far above.
        var allShares: UInt64 = 0
        var allLow: Int64 = 0
        for place in range { allShares &+= shares[place] }
        for bound in lows { allLow &+= bound }
        // Parts are rounded, by half at most: a half each less is surely not too high.
        let surely = max(0, amount &- allLow &- Int64(range.count))
        var enough = (UInt64(surely) << (fractionBits - 1)) / max(allShares, 1)
        enough = enough > UInt64.max / 2 ? enough : enough &* 2
        if sum(enough) > amount { enough = 0 }
        var step = max(enough / 8, 1)
        var tooMuch = enough
        repeat {
            if tooMuch != enough { enough = tooMuch }
            let (next, overflow) = enough.addingReportingOverflow(step)
            tooMuch = overflow ? .max : next
            step = step.multipliedReportingOverflow(by: 2).overflow ? step : step * 2
        } while sum(tooMuch) <= amount && tooMuch != .max
        while tooMuch - enough > 1 {
            let middle = enough + (tooMuch - enough) / 2
            if sum(middle) <= amount { enough = middle } else { tooMuch = middle }
        }

        var rest = amount &- sum(enough)
        for place in range {
            let lowest = lows.isEmpty ? 0 : lows[place]
            var mine = part(shares: shares[place], price: enough, from: lowest, to: high[place])
            if rest > 0, part(shares: shares[place], price: tooMuch, from: lowest, to: high[place]) > mine {
                mine += 1
                rest -= 1
            }
            parts[place] = mine
        }
        return enough
    }
}
