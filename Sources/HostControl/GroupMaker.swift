internal import HostSystem

/// Makes what divides a machine: what the mechanism of the host does for it, or what else reaches it.
struct GroupMaker {
    let mechanism: CPUMechanism
    let files: HostFiles
    let turns = SessionTurns()

    /// Whether nothing but nice values divides machines.
    var isByNiceValues: Bool {
        switch mechanism {
        case .nice, .sessions: true
        case .cgroupV1, .cgroupV2, .none: false
        }
    }

    /// Takes a process in.
    ///
    /// - Parameter directories: its groups, one for version 2, up to two for version 1, else none.
    func group(of process: Int32, in directories: [String]) throws(HostControlError) -> any MachineGroup {
        switch (mechanism, directories.first, directories.last) {
        case (.cgroupV2, let directory?, _):
            return try placed(process, in: directories) { () throws(HostControlError) in
                try UnifiedGroup(directory, process: process)
            }
        case (.cgroupV1, let cpu?, let accounting?):
            return try placed(process, in: directories) { () throws(HostControlError) in
                try LegacyGroup(cpu: cpu, accounting: accounting, process: process)
            }
        case (.nice, _, _), (.sessions, _, _): return try byNiceValues(process)
        case (.none, _, _), (.cgroupV1, _, _), (.cgroupV2, _, _):
            return ObservedProcess(process: process, remark: nil)
        }
    }

    /// A process is only moved by whoever may write to `cgroup.procs` of the group above both its old and its new one
    /// (cgroup-v2.rst, Delegation Containment): a user's own manager reaches no process of a login session.
    private func placed(
        _ process: Int32, in directories: [String],
        _ make: () throws(HostControlError) -> any MachineGroup
    ) throws(HostControlError) -> any MachineGroup {
        do throws(HostControlError) {
            return try make()
        } catch {
            guard case .system(let cause) = error, cause.isPermission else { throw error }
            for directory in directories { FileTree.removeDirectory(directory) }
            return ObservedProcess(process: process, remark: remark(process, cause))
        }
    }

    private func remark(_ process: Int32, _ cause: SystemError) -> String {
        // Only for the sentence.
        let groups = (try? files.processText("\(process)/cgroup"))?.split(separator: "\n") ?? []
        let place = groups.last.map { $0.drop { $0 != "/" } } ?? "?"
        return
            "it is only observed, and its CPU settings are not kept, because it cannot be moved out of the "
            + "control group \(place) (\(cause.reason)); start it below the same unit as roostd (for a user's roostd: "
            + "systemd-run --user --scope roost run ...), or run roostd as root"
    }

    private func byNiceValues(_ process: Int32) throws(HostControlError) -> any MachineGroup {
        let standing = try NiceStanding.of(process, files)
        do throws(SystemError) {
            // Whether sessions count may have changed since the host was looked at.
            if standing == .ownSession, case .sessions = mechanism {
                return try NiceSession(process: process, mechanism: mechanism, files: files, turns: turns)
            }
            let permitted = try ThreadScheduling.permitLowestNice(ofProcess: process)
            let remark =
                standing == .ownSession
                ? "the kernel groups processes by session by now, so that its nice values do not count; restart roostd"
                : standing.remark(files)
            let range = mechanism.weights ?? 0...19
            // A session may yet be left: whoever starts a machine in one of its own announces it from another.
            let isLeftOut =
                switch standing {
                case .elsewhere: true
                case .sharedSession: false
                case .withAll, .ownSession: permitted > 19
                }
            return NiceThreads(
                process: process, mechanism: .nice(lowest: range.lowerBound), files: files, standing: remark,
                isLeftOut: isLeftOut, permitted: permitted)
        } catch {
            if error.number == ErrorNumber.noEntry || error.number == ErrorNumber.noProcess {
                throw .ended(error)
            }
            guard error.isPermission else { throw .system(error) }
            return ObservedProcess(
                process: process, remark: "it is only observed, and its shares are not kept: \(error)")
        }
    }
}
