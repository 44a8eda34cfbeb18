/// What a VM or a pool may have of the CPUs: vSphere's shares, reservation and limit.
///
/// Always sound by itself: the limit is more than nothing, and the reservation not above it.
public struct CPUAllocation: Hashable, Sendable {
    /// The right when there is not enough.
    public let shares: CPUShares
    /// What it can count on, whatever others do.
    public let reservation: CPUAmount
    /// What it never exceeds; nil: as much as there is.
    public let limit: CPUAmount?

    /// Normal shares, no reservation, no limit.
    public static let normal = CPUAllocation(known: .normal, .zero, nil)

    private init(known shares: CPUShares, _ reservation: CPUAmount, _ limit: CPUAmount?) {
        self.shares = shares
        self.reservation = reservation
        self.limit = limit
    }

    /// An allocation.
    public init(
        shares: CPUShares = .normal, reservation: CPUAmount = .zero, limit: CPUAmount? = nil
    ) throws(AllocationError) {
        if case .custom(let count) = shares, !CPUShares.customRange.contains(count) {
            throw .sharesOutOfRange(count)
        }
        if let limit {
            guard limit > .zero else { throw .limitIsNothing }
            guard reservation <= limit else {
                throw .reservationAboveLimit(reservation: reservation, limit: limit)
            }
        }
        self.init(known: shares, reservation, limit)
    }
}

/// The settings of a pool.
public struct PoolSettings: Hashable, Sendable {
    /// What the pool may have in all.
    public let cpu: CPUAllocation
    /// Whether members' reservations beyond the pool's own are taken from its parent.
    public let isExpandable: Bool

    /// Normal shares, expandable.
    public static let normal = PoolSettings(cpu: .normal)

    /// Settings.
    public init(cpu: CPUAllocation, isExpandable: Bool = true) {
        self.cpu = cpu
        self.isExpandable = isExpandable
    }
}

/// The settings of a VM that runs or is to run.
public struct VMSettings: Hashable, Sendable {
    /// What the VM may have.
    public let cpu: CPUAllocation
    /// How many virtual CPUs it has; it can use as many host CPUs at once.
    public let virtualCPUs: Int

    /// More virtual CPUs than any VM may have.
    public static let mostVirtualCPUs = 8192

    /// Settings.
    public init(cpu: CPUAllocation = .normal, virtualCPUs: Int) throws(AllocationError) {
        guard (1...Self.mostVirtualCPUs).contains(virtualCPUs) else {
            throw .virtualCPUsOutOfRange(virtualCPUs)
        }
        let most = CPUAmount.cpus(virtualCPUs)
        guard cpu.reservation <= most else {
            throw .reservationAboveVirtualCPUs(reservation: cpu.reservation, virtualCPUs: virtualCPUs)
        }
        self.cpu = cpu
        self.virtualCPUs = virtualCPUs
    }

    /// What the VM can use at most: its virtual CPUs, or its limit if that is less.
    public var ceiling: CPUAmount {
        let most = CPUAmount.cpus(virtualCPUs)
        return cpu.limit.map { min($0, most) } ?? most
    }
}

/// Why settings contradict themselves.
public enum AllocationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A custom number of shares outside 1 to 1,000,000.
    case sharesOutOfRange(Int)
    /// A limit of nothing: the VM would never run.
    case limitIsNothing
    /// More is promised than allowed.
    case reservationAboveLimit(reservation: CPUAmount, limit: CPUAmount)
    /// More is promised than the VM could use.
    case reservationAboveVirtualCPUs(reservation: CPUAmount, virtualCPUs: Int)
    /// Less than one virtual CPU, or more than 8192.
    case virtualCPUsOutOfRange(Int)

    /// A sentence with the numbers.
    public var description: String {
        switch self {
        case .sharesOutOfRange(let count): "\(count) shares: a number of shares is 1 to 1000000"
        case .limitIsNothing:
            "a limit of 0 CPUs would never let the VM run; leave the limit out, or give more"
        case .reservationAboveLimit(let reservation, let limit):
            "the reservation of \(cpus(reservation)) is above the limit of \(cpus(limit))"
        case .reservationAboveVirtualCPUs(let reservation, let count):
            "the reservation of \(cpus(reservation)) is more than \(count) virtual CPU\(count == 1 ? "" : "s") can use"
        case .virtualCPUsOutOfRange(let count):
            "\(count) virtual CPUs: a VM has 1 to \(VMSettings.mostVirtualCPUs)"
        }
    }
}
