internal import HostSystem

/// One machine under control: its settings and its usage. Its files stay open. For one thread.
public struct ControlledGroup: ~Copyable {
    /// The machine's name.
    public let machine: String
    /// Its process.
    public let process: Int32
    /// What it is set to; nil before `apply`.
    public private(set) var applied: CPUSettings?
    private let group: any MachineGroup

    init(
        machine: String, process: Int32, mechanism: CPUMechanism, directories: [String], files: HostFiles
    ) throws(HostControlError) {
        let group: any MachineGroup
        switch (mechanism, directories.first, directories.last) {
        case (.cgroupV2, let directory?, _): group = try UnifiedGroup(directory, process: process)
        case (.cgroupV1, let cpu?, let accounting?):
            group = try LegacyGroup(cpu: cpu, accounting: accounting, process: process)
        default: group = NiceThreads(process: process, mechanism: mechanism, files: files)
        }
        self.machine = machine
        self.process = process
        self.group = group
        applied = nil
    }

    /// Sets the machine; only what differs from `applied` is written, and it is in force when this returns.
    ///
    /// - Throws: `.vanished` if somebody removed the group: adopt the machine again. `.outOfRange`, `.unsupported`
    ///   for settings the mechanism does not have.
    public mutating func apply(_ settings: CPUSettings) throws(HostControlError) {
        if settings == applied { return }
        let before = applied
        // If a write fails half-way, the next call writes all.
        applied = nil
        try group.apply(settings, before: before)
        applied = settings
    }

    /// Nice values hold for the threads there are: looks for new ones and sets them as `applied` says. Groups
    /// take in new threads of themselves.
    public mutating func lookForThreads() throws(HostControlError) {
        guard let settings = applied else { return }
        applied = nil
        try apply(settings)
    }

    /// What the machine has used since its group was made; with nice values, since its process began.
    ///
    /// - Throws: `.vanished`, as `apply`; `.ended` if its process has.
    public func usage() throws(HostControlError) -> CPUUsage {
        try group.usage()
    }

    /// Gives the machine up and removes its group.
    ///
    /// - Returns: false if it is still in use: the machine lives. `CPUControl.sweep` will remove it.
    @discardableResult
    public consuming func release() throws(HostControlError) -> Bool {
        for directory in group.directories {
            do throws(SystemError) {
                try FileTree.removeEmptyDirectory(directory)
            } catch  where error.number == ErrorNumber.busy {
                return false
            } catch {
                throw .system(error)
            }
        }
        return true
    }
}

/// What a mechanism does for one machine.
protocol MachineGroup: AnyObject {
    /// Its directories, to be removed with the machine.
    var directories: [String] { get }
    /// Writes what differs from what was written before; everything if that is nil.
    func apply(_ settings: CPUSettings, before: CPUSettings?) throws(HostControlError)
    func usage() throws(HostControlError) -> CPUUsage
}
