internal import HostSystem

/// A machine that is alone in its session, whose nice value it has: `/proc/PID/autogroup`, sched(7).
final class NiceSession: MachineGroup {
    let directories: [String] = []
    let mechanism: CPUMechanism
    let remark: String? = nil
    private let process: Int32
    private let setting: SettingFile
    private let turns: SessionTurns

    /// - Throws: what opening the session's file does: EACCES if the process is another user's.
    init(process: Int32, mechanism: CPUMechanism, files: HostFiles, turns: SessionTurns) throws(SystemError) {
        setting = try SettingFile("\(files.processes)/\(process)/autogroup")
        self.process = process
        self.mechanism = mechanism
        self.turns = turns
    }

    deinit {
        turns.leave(process)
    }

    func apply(_ settings: CPUSettings, before: CPUSettings?) throws(HostControlError) -> Bool {
        try settings.check(for: mechanism)
        guard turns.mayTry(process) else { return false }
        do throws(SystemError) {
            try setting.write("\(settings.weight)")
        } catch {
            switch error.number {
            case ErrorNumber.tryAgain:
                turns.wait(process)
                return false
            case ErrorNumber.noProcess: throw .ended(error)
            default: throw .system(error)
            }
        }
        turns.leave(process)
        return true
    }

    func isAsWished() {
        turns.leave(process)
    }

    func usage() throws(HostControlError) -> CPUUsage { try ObservedProcess.usage(of: process) }
}

/// Whose turn it is to set the nice value of a session: the kernel takes ten a second from all processes of a host
/// that lack CAP_SYS_ADMIN, and refuses the others (kernel/sched/autogroup.c). Without turns, who comes first at
/// each look would be the only one to be set.
final class SessionTurns {
    /// Processes that were refused, the longest waiting first.
    private var waiting: [Int32] = []

    /// Whether a process may try now: nobody waits, or it has waited longest. Else it waits from now on.
    func mayTry(_ process: Int32) -> Bool {
        guard let first = waiting.first, first != process else { return true }
        wait(process)
        return false
    }

    /// It was refused.
    func wait(_ process: Int32) {
        if !waiting.contains(process) { waiting.append(process) }
    }

    /// It has been set, or wishes nothing else any more.
    func leave(_ process: Int32) {
        waiting.removeAll { $0 == process }
    }
}
