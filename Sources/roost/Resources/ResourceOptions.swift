internal import ArgumentParser
internal import ManagerProtocol
internal import Resources
internal import Specification

/// The settings of CPU as flags of `roost set` and `roost pool create`.
struct ResourceOptions: ParsableArguments {
    @Option(
        name: [.customLong("cpu-shares"), .long],
        help: .init(
            "The right to CPU when there is not enough: low, normal, high, or 1 to 1000000.",
            valueName: "SHARES"),
        completion: .list(["low", "normal", "high"]))
    var shares: String?

    @Option(
        name: [.customLong("cpu-reservation"), .long],
        help: .init("CPU it can count on: 50%, 0.5 or 500m of one CPU; 0 for none.", valueName: "AMOUNT"))
    var reservation: String?

    @Option(
        name: [.customLong("cpu-limit"), .long],
        help: .init("CPU it never exceeds, such as 150%, or none.", valueName: "AMOUNT"))
    var limit: String?

    /// The flags that were given, read and checked one by one.
    func change() throws(CommandFailure) -> CPUChange {
        var change = CPUChange()
        do {
            if let shares { change.shares = try CPUShares(parsing: shares) }
        } catch { throw Self.failure("--cpu-shares", error) }
        do {
            if let reservation { change.reservation = try CPUAmount(parsing: reservation) }
        } catch { throw Self.failure("--cpu-reservation", error) }
        do {
            if let limit {
                change.limit = limit == "none" ? .some(nil) : .some(try CPUAmount(parsing: limit))
            }
        } catch { throw Self.failure("--cpu-limit", error) }
        return change
    }

    /// A value that a flag cannot have.
    static func failure(_ flag: String, _ error: any Error) -> CommandFailure {
        CommandFailure(.usage, "\(flag): \(error)")
    }

    /// The path that a flag or an argument gives.
    static func pool(_ text: String, _ flag: String) throws(CommandFailure) -> PoolPath {
        do { return try PoolPath(text) } catch { throw failure(flag, error) }
    }

    /// The path of a pool that can be made or set: any but the root.
    static func ownPool(_ text: String, _ flag: String) throws(CommandFailure) -> PoolPath {
        let path = try pool(text, flag)
        guard !path.isRoot else {
            throw CommandFailure(
                .usage, "\(flag): the root pool is the host itself, and cannot be made, set or removed")
        }
        return path
    }
}
