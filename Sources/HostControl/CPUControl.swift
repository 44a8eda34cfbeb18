internal import HostSystem

/// Divides this host's processors among machines, by the one mechanism it was made with. For one thread.
public struct CPUControl: ~Copyable {
    /// How it does that.
    public let mechanism: CPUMechanism
    /// The directories in which machines' groups lie: one for version 2, up to two for version 1.
    let bases: [String]
    /// What of the preparation failed although there is no harm for machines, a sentence each.
    public let remarks: [String]
    private let maker: GroupMaker
    private let places: ControlPlaces
    private let parent: String

    /// The name of the group around those of one manager's machines.
    ///
    /// - Parameter tag: what no other manager of this user has: a word for its run directory.
    public static func parent(ofManager tag: String) -> String { GroupNames.machines(ofManager: tag) }

    /// Prepares the host: makes the group around those of machines, for which under version 2 this process moves to a
    /// leaf. If it lives in a group of a machine, as what a machine's process starts does, it leaves it.
    ///
    /// Groups of machines that an earlier process left are kept; `sweep` removes those of dead ones.
    /// - Parameter parent: that group's name, without which it is `roost`: who has one of his own
    ///   (`parent(ofManager:)`) meets no machines of others, nor their weight.
    public init(
        _ capabilities: HostCapabilities, files: HostFiles = HostFiles(), parent: String? = nil
    ) throws(HostControlError) {
        let parent = parent ?? GroupNames.machines
        var remarks: [String] = []
        for group in capabilities.departures {
            do throws(SystemError) {
                try SettingFile("\(group)/cgroup.procs").write("\(HostProcess.identifier)")
            } catch {
                remarks.append(
                    "this process stays in a machine's control group, and is limited with it: \(error)")
            }
        }
        switch capabilities.mechanism {
        case .nice, .sessions:
            // For values below 0 the kernel asks for the limit of who sets them, where they are sessions'.
            do throws(SystemError) {
                _ = try ThreadScheduling.permitLowestNice(ofProcess: HostProcess.identifier)
            } catch {
                remarks.append("\(error)")
            }
        case .cgroupV1, .cgroupV2, .none: break
        }
        self.remarks = remarks
        let bases: [String]
        do throws(SystemError) {
            bases = try Self.prepare(capabilities.places, parent)
        } catch {
            throw .system(error)
        }
        self.bases = bases
        self.parent = parent
        places = capabilities.places
        mechanism = capabilities.mechanism
        maker = GroupMaker(mechanism: capabilities.mechanism, files: files)
    }

    private static func prepare(_ places: ControlPlaces, _ parent: String) throws(SystemError) -> [String] {
        switch places {
        case .unified(let base, let mustLeave): return [try prepare(base, parent, mustLeave: mustLeave)]
        case .legacy(let cpu, let accounting):
            let bases = (cpu == accounting ? [cpu] : [cpu, accounting]).map { "\($0)/\(parent)" }
            for base in bases { try FileTree.makeDirectory(base) }
            return bases
        case .nowhere: return []
        }
    }

    /// Version 2: only a group without processes of its own may give controllers to those below it.
    private static func prepare(
        _ base: String, _ parent: String, mustLeave: Bool
    ) throws(SystemError) -> String {
        if mustLeave {
            let leaf = "\(base)/\(GroupNames.manager)"
            try FileTree.makeDirectory(leaf)
            try SettingFile("\(leaf)/cgroup.procs").write("\(HostProcess.identifier)")
        }
        let machines = "\(base)/\(parent)"
        try FileTree.makeDirectory(machines)
        for group in [base, machines] { try SettingFile("\(group)/cgroup.subtree_control").write("+cpu") }
        return machines
    }

    /// How often `adopt` makes a group that is swept away under its hands.
    private static let adoptionAttempts = 20

    /// Takes a machine's process, with all its threads, into a group of its own, which is made if it is not there.
    ///
    /// The caller holds the process (`OtherProcess`), lest its number come to mean another. A machine that this process
    /// may not move, or whose nice value does not reach others, is taken in all the same: it says so (`remark`).
    /// - Throws: `.ended` if there is no such process.
    public func adopt(machine: String, process: Int32) throws(HostControlError) -> ControlledGroup {
        guard let name = GroupNames.group(of: machine) else { throw .badName(machine) }
        var attempt = 1
        while true {
            do throws(HostControlError) {
                return try ControlledGroup(
                    machine: machine, process: process, directories: bases.map { "\($0)/\(name)" },
                    maker: maker)
            } catch {
                // Another manager may sweep it before its first process is in it, and at its end even the group
                // around it.
                guard case .vanished = error, attempt < Self.adoptionAttempts else { throw error }
                attempt += 1
            }
            do throws(SystemError) {
                _ = try Self.prepare(places, parent)
            } catch {
                throw .system(error)
            }
        }
    }

    /// The machines that have groups, living or dead, sorted.
    public func machines() throws(HostControlError) -> [String] {
        var found: Set<String> = []
        for base in bases {
            do throws(SystemError) {
                found.formUnion(try FileTree.names(in: base).compactMap(GroupNames.machine))
            } catch {
                throw .of(error, group: base)
            }
        }
        return found.sorted()
    }

    /// Removes the groups in which no process is left, whatever machine they were for. Those of machines that
    /// are kept stay even if they are empty.
    ///
    /// - Returns: the machines whose groups were removed, sorted.
    @discardableResult
    public func sweep(keeping kept: Set<String> = []) throws(HostControlError) -> [String] {
        var removed: [String] = []
        for machine in try machines() where !kept.contains(machine) {
            guard let name = GroupNames.group(of: machine) else { continue }
            var isRemoved = false
            for base in bases {
                do throws(SystemError) {
                    isRemoved = try FileTree.removeEmptyDirectory("\(base)/\(name)") || isRemoved
                } catch  where error.number == ErrorNumber.busy {
                    // Processes live in it: somebody's machine after all.
                    isRemoved = false
                    break
                } catch {
                    throw .system(error)
                }
            }
            if isRemoved { removed.append(machine) }
        }
        return removed
    }

    /// Removes what managers of this user that are dead left, of other run directories: those nobody may ever look
    /// after again. Only what is empty goes; a manager that lives makes its own again.
    public func sweepOthers() throws(HostControlError) {
        for base in bases {
            let above = String(base.dropLast(parent.utf8.count + 1))
            do throws(SystemError) {
                for other in try FileTree.names(in: above)
                where other != parent && GroupNames.isManagers(other) {
                    let group = "\(above)/\(other)"
                    for name in try FileTree.names(in: group) where GroupNames.machine(of: name) != nil {
                        // What is in use, or gone already, is none of ours.
                        FileTree.removeDirectory("\(group)/\(name)")
                    }
                    FileTree.removeDirectory(group)
                }
            } catch  where error.number == ErrorNumber.noEntry {
                continue
            } catch {
                throw .system(error)
            }
        }
    }

    /// Gives all machines together the weight of so many processes of the usual one, against what else runs in
    /// the group around theirs.
    ///
    /// Without it, machines of a whole host would have together what one other process has. Where version 2 has
    /// delegated this process a group, nobody else is in it: then it is the unit's affair, and nothing is done.
    /// - Parameter processors: as many as machines have virtual CPUs; 1 to 256 are told apart, 1 to 100 by
    ///   version 2.
    public func setWeightOfAll(processors: Int) throws(HostControlError) {
        guard let base = bases.first else { return }
        let setting: (file: String, value: Int)
        switch places {
        case .legacy: setting = ("cpu.shares", min(max(processors, 1), 256) * 1024)
        case .unified(_, mustLeave: false): setting = ("cpu.weight", min(max(processors, 1), 100) * 100)
        case .unified, .nowhere: return
        }
        do throws(SystemError) {
            try SettingFile("\(base)/\(setting.file)").write("\(setting.value)")
        } catch {
            throw .of(error, group: base)
        }
    }

    /// Gives this process's session a nice value, where sessions are what counts: else a thread's own does nothing
    /// beside other sessions. One that others are in is left alone.
    ///
    /// - Parameter nice: -20 to 19; if it is lower than this process may set, the lowest that it may.
    public func setNiceOfOwnSession(_ nice: Int) throws(HostControlError) {
        guard case .sessions(let lowest) = mechanism else { return }
        let own = HostProcess.identifier
        guard try NiceStanding.of(own, maker.files) == .ownSession else { return }
        do throws(SystemError) {
            try SettingFile("\(maker.files.processes)/\(own)/autogroup").write("\(max(nice, lowest))")
        } catch {
            throw .system(error)
        }
    }

    /// Removes the group around those of machines if none is left in it. For the end of a process that divides no more.
    public borrowing func end() throws(HostControlError) {
        for base in bases {
            do throws(SystemError) {
                try FileTree.removeEmptyDirectory(base)
            } catch  where error.number == ErrorNumber.busy || error.number == ErrorNumber.notEmpty {
                // Machines live on in it, for the next one to find.
                continue
            } catch {
                throw .system(error)
            }
        }
    }
}
