/// Why a machine stands still: because `pause` asked for it, because somebody holds it, or both. It goes on when there is
/// no reason left.
///
/// Pure; whoever changes it stops or starts the virtual CPUs.
struct PauseReasons {
    /// One hold. No other, before or after, is equal to it.
    struct Hold: Equatable, Sendable {
        fileprivate let number: UInt64
    }

    /// Whether a pause was asked for that lasts until it is taken back.
    var isAskedFor: Bool
    /// Few (`ControlLimits.holders`): a list of them does.
    private var inForce: [UInt64] = []
    /// The number of the next hold. None is given twice, or an old hold would end another's.
    private var next: UInt64 = 0

    init(isAskedFor: Bool) {
        self.isAskedFor = isAskedFor
    }

    /// Whether there is a reason at all.
    var isAny: Bool { isAskedFor || !inForce.isEmpty }

    /// How many hold it.
    var holds: Int { inForce.count }

    /// Adds a hold.
    mutating func hold() -> Hold {
        let hold = Hold(number: next)
        next += 1
        inForce.append(hold.number)
        return hold
    }

    /// Ends a hold.
    ///
    /// - Returns: whether it was in force until now.
    mutating func end(_ hold: Hold) -> Bool {
        guard let place = inForce.firstIndex(of: hold.number) else { return false }
        inForce.remove(at: place)
        return true
    }

    /// Forgets the pause that was asked for and all holds.
    mutating func removeAll() {
        isAskedFor = false
        inForce = []
    }

    /// Whether a hold is in force.
    func contains(_ hold: Hold) -> Bool { inForce.contains(hold.number) }
}
