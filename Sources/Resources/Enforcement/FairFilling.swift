/// Division by weights with a most for each: water-filling.
enum FairFilling {
    /// What each gets of a total; what one cannot take goes to the others by their weights.
    ///
    /// - Parameters:
    ///   - weights: not negative.
    ///   - most: as many; not negative.
    static func divide(_ total: Double, weights: [Double], most: [Double]) -> [Double] {
        var result = [Double](repeating: 0, count: weights.count)
        // Those that are full first: with the least room for their weight.
        let order = weights.indices.filter { weights[$0] > 0 && $0 < most.count }
            .sorted { (most[$0] * weights[$1], $0) < (most[$1] * weights[$0], $1) }
        var rest = max(total, 0)
        var weight = order.reduce(0) { $0 + weights[$1] }
        for index in order {
            let part = min(most[index], rest * weights[index] / max(weight, .leastNormalMagnitude))
            result[index] = part
            rest -= part
            weight -= weights[index]
        }
        return result
    }
}
