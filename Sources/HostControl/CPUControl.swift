internal import HostSystem

/// Divides this host's processors among machines, by the one mechanism it was made with. For one thread.
public struct CPUControl: ~Copyable {
    /// How it does that.
    public let mechanism: CPUMechanism
    /// The directories in which machines' groups lie: one for version 2, up to two for version 1.
    let bases: [String]
    private let files: HostFiles
    private let places: ControlPlaces
    private let parent: String

    /// Prepares the host: makes the group `roost`, for which under version 2 this process moves to a leaf.
    ///
    /// Groups of machines that an earlier process left are kept; `sweep` removes those of dead ones.
    /// - Parameter parent: another name for that group: who has it meets no machines of others.
    public init(
        _ capabilities: HostCapabilities, files: HostFiles = HostFiles(), parent: String? = nil
    ) throws(HostControlError) {
        let parent = parent ?? GroupNames.machines
        let bases: [String]
        do throws(SystemError) {
            bases = try Self.prepare(capabilities.places, parent)
        } catch {
            throw .system(error)
        }
        self.bases = bases
        self.files = files
        self.parent = parent
        places = capabilities.places
        mechanism = capabilities.mechanism
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
    /// The caller holds the process (`OtherProcess`), lest its number come to mean another.
    /// - Throws: `.ended` if there is no such process.
    public func adopt(machine: String, process: Int32) throws(HostControlError) -> ControlledGroup {
        guard let name = GroupNames.group(of: machine) else { throw .badName(machine) }
        var attempt = 1
        while true {
            do throws(HostControlError) {
                return try ControlledGroup(
                    machine: machine, process: process, mechanism: mechanism,
                    directories: bases.map { "\($0)/\(name)" },
                    files: files)
            } catch {
                // Another manager, of another run directory, may sweep it before its first process is in it, and
                // at its end even the group around it.
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

    /// Removes the group `roost` if no machine is left in it. For the end of a process that divides no more.
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
