/// Division by weights with a most for each: water-filling.
enum FairFilling {
    /// What each gets of a total; what one cannot take goes to the others by their weights.
    ///
    /// - Parameters:
    ///   - weights: not negative.
    ///   - most: as many; not negative.
    static func divide(_ total: Double, weights: [Double], most: [Double]) -> [Double] {
        var parts: [Double] = []
        divide(total, weights: weights, most: most, into: &parts)
        return parts
    }

    /// The same into an array that is kept: once it is long enough, nothing is allocated.
    static func divide(_ total: Double, weights: [Double], most: [Double], into parts: inout [Double]) {
        parts.removeAll(keepingCapacity: true)
        // Below zero: not decided yet.
        for index in weights.indices { parts.append(weights[index] > 0 && index < most.count ? -1 : 0) }
        var rest = max(total, 0)
        var isOver = false
        while !isOver {
            isOver = true
            var weight = 0.0
            for index in parts.indices where parts[index] < 0 { weight += weights[index] }
            let price = rest / max(weight, .leastNormalMagnitude)
            // Who is full at this price is at every later one, for that only rises.
            for index in parts.indices where parts[index] < 0 && most[index] <= price * weights[index] {
                parts[index] = max(most[index], 0)
                rest = max(rest - parts[index], 0)
                isOver = false
            }
            guard isOver else { continue }
            for index in parts.indices where parts[index] < 0 { parts[index] = price * weights[index] }
        }
    }
}
