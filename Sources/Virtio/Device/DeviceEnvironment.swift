public import GuestMemory
public import HostSystem
public import Stats

/// What a device is given when it is made: all it knows of the machine it sits in.
public struct DeviceEnvironment: Sendable {
    /// Its name, unique in the machine: `disk0`.
    public let name: String
    /// The guest's memory.
    public let memory: PhysicalMemory
    /// The loop on whose thread it works. It may watch descriptors there from the start; the loop runs
    /// from the machine's start on.
    public let loop: EventLoop
    /// What it tells its driver.
    public let signals: DeviceSignals
    /// Its lines in the log, limited.
    public let log: DeviceLog
    /// Where it counts, as the device's type declares it. Written with the device's lock held.
    public let sections: [StatsSection]

    /// All of it.
    public init(
        name: String, memory: PhysicalMemory, loop: EventLoop, signals: DeviceSignals, log: DeviceLog,
        sections: [StatsSection] = []
    ) {
        self.name = name
        self.memory = memory
        self.loop = loop
        self.signals = signals
        self.log = log
        self.sections = sections
    }

    /// The section it counts in: the first it was given, else one that nobody reads.
    func section(_ shape: StatsShape) throws(SystemError) -> StatsSection {
        if let section = sections.first { return section }
        return try StatsPage.detachedSection(shape)
    }
}
