/// Who has a weight.
public enum WeightHolder: Sendable, Equatable {
    /// All threads of a machine together: a control group's weight, or a session's nice value.
    case machine
    /// Each thread for itself.
    case eachThread
}

/// The steps in which a mechanism tells weights apart.
public enum WeightScale: Sendable, Equatable {
    /// Whole numbers in proportion: `cpu.weight` is 1 to 10000, `cpu.shares` 2 to 262144.
    case proportional(ClosedRange<Int>)
    /// Nice values, of which each step down weighs a quarter more.
    case nice(ClosedRange<Int>)

    /// `cpu.weight` of cgroup v2.
    public static let cgroupV2 = WeightScale.proportional(1...10_000)
    /// `cpu.shares` of cgroup v1.
    public static let cgroupV1 = WeightScale.proportional(2...262_144)

    /// What the scheduler counts a thread of each nice value for, -20 first (Linux, kernel/sched/core.c,
    /// sched_prio_to_weight).
    static let niceWeights: [Double] = [
        88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
        9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
        1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
        110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
    ]

    /// The range with which it was made, cut to what there is.
    var range: ClosedRange<Int> {
        switch self {
        case .proportional(let range): range
        case .nice(let range): range.clamped(to: -20...19)
        }
    }

    /// What a setting weighs, against others of this scale.
    public func weight(of setting: Int) -> Double {
        let setting = min(max(setting, range.lowerBound), range.upperBound)
        switch self {
        case .proportional: return Double(setting)
        case .nice: return Self.niceWeights[setting + 20]
        }
    }

    /// The neighbouring settings between which a weight lies, the lighter one first; equal if a setting is
    /// exact, or the weight is beyond an end.
    public func neighbours(of weight: Double) -> (lighter: Int, heavier: Int) {
        switch self {
        case .proportional(let range):
            // Also for what is no number: the comparison is false, and the result the least.
            guard weight > Double(range.lowerBound) else { return (range.lowerBound, range.lowerBound) }
            guard weight < Double(range.upperBound) else { return (range.upperBound, range.upperBound) }
            let lighter = Int(weight.rounded(.down))
            return (lighter, Double(lighter) == weight ? lighter : lighter + 1)
        case .nice:
            var lighter = range.upperBound
            var heavier = range.lowerBound
            for setting in range {
                if self.weight(of: setting) >= weight { heavier = setting }
                if self.weight(of: setting) <= weight { lighter = min(lighter, setting) }
            }
            return (lighter, heavier)
        }
    }

    /// The setting that comes nearest to a weight, by ratio.
    public func nearest(to weight: Double) -> Int {
        let (lighter, heavier) = neighbours(of: weight)
        let down = self.weight(of: lighter)
        let up = self.weight(of: heavier)
        return weight * weight < down * up ? lighter : heavier
    }

    /// What one host CPU's worth of right weighs, if so many CPUs' worth is the most one has: as much as fits,
    /// in powers of two, so that a small change of the most does not change all settings. Nice values stay at 0
    /// and above, where other programs are, unless the smallest right would fall out below.
    func unit(most: Double, least: Double) -> Double {
        switch self {
        case .proportional(let range):
            var unit = Double(range.upperBound)
            while unit * most > Double(range.upperBound), unit > 1e-6 { unit /= 2 }
            return unit
        case .nice:
            var unit = 1024.0
            while unit * most > 1024, unit > 1e-6 { unit /= 2 }
            let bottom = weight(of: range.upperBound)
            while unit * least < bottom, unit * most * 2 <= weight(of: range.lowerBound) { unit *= 2 }
            return unit
        }
    }
}
