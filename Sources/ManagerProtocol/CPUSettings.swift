internal import JSONText
public import Resources

/// Settings that are to change; what is nil stays as it is.
public struct CPUChange: Equatable, Sendable {
    /// New shares.
    public var shares: CPUShares?
    /// A new reservation.
    public var reservation: CPUAmount?
    /// A new limit; `.some(nil)` takes the limit away.
    public var limit: CPUAmount??

    /// No change.
    public init() {}

    /// Whether nothing is to change.
    public var isEmpty: Bool { shares == nil && reservation == nil && limit == nil }

    static let memberNames = ["shares", "reservation", "limit"]

    init(_ body: BodyReader) throws(ManagerProblem) {
        shares = try body.shares("shares")
        reservation = try body.amount("reservation")
        if let limit = body.value("limit") {
            self.limit = limit == .null ? .some(nil) : .some(try body.amount("limit"))
        }
    }

    var members: [JSONMember] {
        var members: [JSONMember] = []
        if let shares { members.append(JSONMember("shares", shares.json)) }
        if let reservation { members.append(JSONMember("reservation", reservation.json)) }
        if let limit { members.append(JSONMember("limit", limit?.json ?? .null)) }
        return members
    }

    /// Settings with the change made.
    public func applied(to cpu: CPUAllocation) throws(ManagerProblem) -> CPUAllocation {
        do {
            return try CPUAllocation(
                shares: shares ?? cpu.shares, reservation: reservation ?? cpu.reservation,
                limit: limit ?? cpu.limit)
        } catch {
            throw ManagerProblem(.invalid, "\(error)")
        }
    }
}

extension CPUAllocation {
    /// The change that makes these settings of any others.
    public var asChange: CPUChange {
        var change = CPUChange()
        change.shares = shares
        change.reservation = reservation
        change.limit = .some(limit)
        return change
    }

    var members: [JSONMember] { asChange.members }
}
