internal import HostSystem

/// One machine under control: its settings and its usage. Its files stay open. For one thread.
public struct ControlledGroup: ~Copyable {
    /// The machine's name.
    public let machine: String
    /// Its process.
    public let process: Int32
    /// What it is set to; nil before `apply`.
    public private(set) var applied: CPUSettings?
    /// How it is divided: by the mechanism of `CPUControl`, or by a lesser one that reaches it.
    public var mechanism: CPUMechanism { group.mechanism }
    /// Why it is not divided as other machines are and what to do about it, a clause about the machine (`it …`); nil
    /// if it is.
    public var remark: String? { group.remark }
    /// Whether it is left out where other machines are divided: it cannot be promised anything.
    public var isLeftOut: Bool { group.isLeftOut }
    private var group: any MachineGroup
    private let maker: GroupMaker

    init(
        machine: String, process: Int32, directories: [String], maker: GroupMaker
    ) throws(HostControlError) {
        group = try maker.group(of: process, in: directories)
        self.machine = machine
        self.process = process
        self.maker = maker
        applied = nil
    }

    /// Sets the machine; only what differs from `applied` is written, and it is in force when this returns: then
    /// `applied` is these settings. If they cannot be in force (`remark`), or not yet, since the kernel takes so many
    /// in a second only, `applied` stays what it was: try again.
    ///
    /// - Throws: `.vanished` if somebody removed the group: adopt the machine again. `.outOfRange`, `.unsupported`
    ///   for settings the mechanism does not have.
    public mutating func apply(_ settings: CPUSettings) throws(HostControlError) {
        if settings == applied { return group.isAsWished() }
        let before = applied
        // If a write fails half-way, the next call writes all.
        applied = nil
        applied = try group.apply(settings, before: before) ? settings : before
    }

    /// Looks whether what `remark` says is so still, where that changes by itself: others leave a session. If it
    /// does, the next `apply` writes all.
    public mutating func lookAround() throws(HostControlError) {
        guard group.directories.isEmpty, group.remark != nil, maker.isByNiceValues else { return }
        let now = try maker.group(of: process, in: [])
        guard now.remark != group.remark || now.mechanism != group.mechanism else { return }
        group = now
        applied = nil
    }

    /// Nice values hold for the threads there are: looks for new ones and sets them as `applied` says. Groups
    /// take in new threads of themselves.
    public mutating func lookForThreads() throws(HostControlError) {
        guard let settings = applied, case .nice = group.mechanism else { return }
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
    /// What divides it.
    var mechanism: CPUMechanism { get }
    /// Why not what divides others; nil if it is that.
    var remark: String? { get }
    /// Whether it is not divided although others are.
    var isLeftOut: Bool { get }
    /// Writes what differs from what was written before; everything if that is nil.
    ///
    /// - Returns: whether the settings are in force now; if not, those of before are.
    func apply(_ settings: CPUSettings, before: CPUSettings?) throws(HostControlError) -> Bool
    /// Hears that what is in force is what is wished.
    func isAsWished()
    func usage() throws(HostControlError) -> CPUUsage
}

extension MachineGroup {
    var remark: String? { nil }
    var isLeftOut: Bool { false }
    func isAsWished() {}
}
