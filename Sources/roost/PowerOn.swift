internal import HostSystem
internal import ManagerProtocol
internal import Resources
internal import Specification

/// Asks the resource manager to let a machine run, before it does.
struct PowerOn {
    /// Set and not empty, machines run unmanaged.
    static let variable = "ROOST_UNMANAGED"

    private let spec: MachineSpec

    init(_ spec: MachineSpec) {
        self.spec = spec
    }

    /// Registers the machine, and starts a manager for it if need be.
    ///
    /// - Parameter process: the one that is, or becomes, the machine.
    /// - Returns: whether it is managed; false if it does not want to be, or need not and no manager is
    ///   installed.
    /// - Throws: the manager's refusal, with its arithmetic.
    func ask(process: Int32) throws(CommandFailure) -> Bool {
        let wishes = self.wishes
        guard isWanted else {
            if !wishes.isEmpty {
                DescriptorIO.writeToStandardError(
                    "roost: warning: \(spec.name) runs unmanaged: nobody keeps its "
                        + "\(wishes.joined(separator: ", ")), and 'roost set' cannot change anything\n")
            }
            return false
        }
        let manager = Manager(MachineDirectory(spec.runDirectory))
        guard needsManager else { return false }
        let registration = MachineRegistration(
            process: process, virtualCPUs: spec.cpus, cpu: spec.cpuAllocation, pool: spec.pool)
        let name: VMName
        do { name = try VMName(spec.name) } catch { throw CommandFailure(.usage, "\(error)") }
        do throws(CommandFailure) {
            try manager.askStarting("PUT", .machine(name), registration.json)
        } catch  where error.code == .unavailable && error.problem == nil {
            // No manager, not one that refuses.
            let loss = wishes.isEmpty ? "" : ", and nobody keeps its " + wishes.joined(separator: ", ")
            throw CommandFailure(error.code, "\(error.message); with --unmanaged it runs without one\(loss)")
        }
        return true
    }

    /// Whether the machine is to be managed, if there is a manager.
    var isWanted: Bool { spec.isManaged && HostProcess.environment(Self.variable)?.isEmpty != false }

    /// Whether the machine does not start without a manager: it is to be managed, and wishes something or one
    /// is installed.
    var needsManager: Bool {
        guard isWanted else { return false }
        return !wishes.isEmpty
            || (try? InstalledProgram.find(Manager.program, variable: Manager.variable)) != nil
    }

    /// What of the specification a manager is needed for.
    private var wishes: [String] {
        var wishes: [String] = []
        let cpu = spec.cpuAllocation
        if cpu.shares != .normal { wishes.append("CPU shares") }
        if cpu.reservation != .zero { wishes.append("CPU reservation") }
        if cpu.limit != nil { wishes.append("CPU limit") }
        if !spec.pool.isRoot { wishes.append("pool") }
        return wishes
    }
}
