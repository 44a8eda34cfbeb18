public import HostControl

/// How a manager runs.
public struct ManagerConfiguration: Sendable {
    /// The run directory whose machines it looks after.
    public var runDirectory: String
    /// What it may divide CPUs by.
    public var mechanism = MechanismChoice.best
    /// Nanoseconds without any machine after which it ends; nil: it stays.
    public var idleEnd: UInt64?
    /// Nanoseconds between the closing of the socket and the end, for requests that are on their way.
    public var graceAtEnd: UInt64 = 200_000_000
    /// Nanoseconds between two decisions, at the least.
    public var decisionInterval: UInt64 = 200_000_000
    /// Nanoseconds between two looks into the run directory.
    public var scanInterval: UInt64 = 1_000_000_000

    /// The usual one: it ends a minute after the last machine.
    public init(runDirectory: String, idleEnd: UInt64? = 60_000_000_000) {
        self.runDirectory = runDirectory
        self.idleEnd = idleEnd
    }
}
