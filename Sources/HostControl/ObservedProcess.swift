internal import HostSystem

/// A machine that is only observed: there is no mechanism, or none that reaches it.
final class ObservedProcess: MachineGroup {
    let directories: [String] = []
    let mechanism = CPUMechanism.none
    let remark: String?
    var isLeftOut: Bool { remark != nil }
    private let process: Int32

    init(process: Int32, remark: String?) {
        self.process = process
        self.remark = remark
    }

    func apply(_ settings: CPUSettings, before: CPUSettings?) throws(HostControlError) -> Bool { false }

    func usage() throws(HostControlError) -> CPUUsage { try Self.usage(of: process) }

    /// What a process has used since it began.
    static func usage(of process: Int32) throws(HostControlError) -> CPUUsage {
        do throws(SystemError) {
            return CPUUsage(used: try ThreadScheduling.processorTime(ofProcess: process))
        } catch {
            throw .ended(error)
        }
    }
}
