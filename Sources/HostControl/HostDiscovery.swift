internal import HostSystem

/// Finds out what `HostCapabilities` says.
struct HostDiscovery {
    let files: HostFiles
    var choice = MechanismChoice.best

    func capabilities() -> HostCapabilities {
        var remarks: [String] = []
        var hierarchies = GroupHierarchies(mounts: "", membership: "")
        do throws(SystemError) {
            hierarchies = GroupHierarchies(
                mounts: try files.processText("self/mountinfo"),
                membership: try files.processText("self/cgroup"))
        } catch {
            remarks.append("no control groups: \(error)")
        }
        // A manager that was started in a machine's group must not stay there: it leaves, for where that group is.
        let own = hierarchies
        hierarchies = own.outsideMachines()
        let departures = Self.departures(own, hierarchies)
        let processors = usableProcessors(&remarks)
        func found(_ mechanism: CPUMechanism, _ places: ControlPlaces) -> HostCapabilities {
            HostCapabilities(
                mechanism: mechanism, remarks: remarks, processors: processors,
                capacity: min(processors.count * 1_000_000, HostCapacity(files: files, hierarchies).limit),
                pressureProblem: pressureProblem(), places: places, departures: departures)
        }
        if choice == .niceValues {
            remarks.append("nice values were asked for (--mechanism nice)")
            let (mechanism, reasons) = byNiceValues(hierarchies)
            remarks += reasons
            return found(mechanism, .nowhere)
        }
        do throws(Reason) {
            return found(.cgroupV2, try unified(hierarchies))
        } catch {
            remarks.append("not by cgroup v2: \(error.sentence)")
        }
        do throws(Reason) {
            return found(.cgroupV1, try legacy(hierarchies))
        } catch {
            remarks.append("not by cgroup v1: \(error.sentence)")
        }
        if choice == .groups {
            remarks.append("nothing else than control groups may be used (--mechanism cgroup)")
            return found(.none, .nowhere)
        }
        let (mechanism, reasons) = byNiceValues(hierarchies)
        remarks += reasons
        return found(mechanism, .nowhere)
    }

    /// What nice values can do here, and what is to be said about it.
    private func byNiceValues(_ hierarchies: GroupHierarchies) -> (CPUMechanism, remarks: [String]) {
        let limits = "nice values cannot limit a machine: --cpu-limit is refused"
        let lowest = ThreadScheduling.lowestNice()
        // In a group that has a weight of its own, sessions do not count.
        if Autogroup.isEnabled(files),
            hierarchies.weighingGroup({ FileTree.modificationTime($0) != nil }) == nil
        {
            let remarks = [
                limits,
                "the kernel groups processes by session (kernel.sched_autogroup_enabled is 1): each machine must be "
                    + "alone in its session, as 'roost run -d' starts it; 'roost why' tells of one that is not",
            ]
            // Everybody may raise and lower it again, from 0 up.
            return (.sessions(lowest: min(max(lowest, -20), 0)), remarks)
        }
        // One that can only be raised cannot follow what a machine should get.
        if lowest <= 0 {
            return (.nice(lowest: lowest), [limits])
        }
        let remark =
            "not by nice values: machines' threads may not lower them; raise the hard RLIMIT_NICE to 40 for this user "
            + "(limits.conf: nice -20), whose machines have it too, or give roostd CAP_SYS_NICE"
        return (.none, [remark])
    }

    /// Where a process in a machine's group has to go: for each hierarchy that divides processors, the group around
    /// the machines'. Version 2 has a leaf for it, unless that is the root of all.
    private static func departures(_ own: GroupHierarchies, _ outside: GroupHierarchies) -> [String] {
        var groups: [String] = []
        for controller in ["cpu", "cpuacct"] {
            if let place = outside.legacy[controller], place != own.legacy[controller],
                !groups.contains(place.group)
            {
                groups.append(place.group)
            }
        }
        if let place = outside.unified, place != own.unified, place.group == place.mount,
            FileTree.modificationTime("\(place.group)/cgroup.type") == nil
        {
            groups.append(place.group)
        }
        return groups
    }

    /// Why a mechanism cannot be used.
    private struct Reason: Error {
        let sentence: String
    }

    private func unified(_ hierarchies: GroupHierarchies) throws(Reason) -> ControlPlaces {
        guard let place = hierarchies.unified else { throw Reason(sentence: "it is not mounted") }
        // After a restart without leaving: this process sits in the leaf it made.
        let leaf = "/" + GroupNames.manager
        let base = place.group.hasSuffix(leaf) ? String(place.group.dropLast(leaf.count)) : place.group
        let isRoot: Bool
        let controllers: String
        let processes: String
        do throws(SystemError) {
            controllers = try files.text("\(base)/cgroup.controllers")
            for path in [base, "\(base)/cgroup.procs", "\(base)/cgroup.subtree_control"] {
                try FileTree.checkWritable(path)
            }
            processes = try files.text("\(base)/cgroup.procs")
            // Only the root of the hierarchy has no type.
            isRoot = base == place.mount && FileTree.modificationTime("\(base)/cgroup.type") == nil
        } catch {
            throw Reason(sentence: "\(base) is not delegated: \(error); \(HostControlError.remedy)")
        }
        guard controllers.split(whereSeparator: \.isWhitespace).contains("cpu") else {
            let advice =
                hierarchies.legacy["cpu"] != nil
                ? "version 1 has it on this host" : "delegate it: Delegate=cpu in roostd's unit"
            throw Reason(sentence: "\(base) has no controller cpu; \(advice)")
        }
        // The root may divide and have processes at once; any other group must be left first, by all.
        if isRoot { return .unified(base: base, mustLeave: false) }
        let own = String(HostProcess.identifier)
        if let other = processes.split(separator: "\n").first(where: { $0 != own }) {
            throw Reason(
                sentence: "\(base) also holds process \(other), so it cannot be divided; "
                    + "start roostd by a unit of its own with Delegate=cpu")
        }
        return .unified(base: base, mustLeave: true)
    }

    private func legacy(_ hierarchies: GroupHierarchies) throws(Reason) -> ControlPlaces {
        guard let cpu = hierarchies.legacy["cpu"] else {
            throw Reason(sentence: "no controller cpu is mounted")
        }
        guard let accounting = hierarchies.legacy["cpuacct"] else {
            throw Reason(sentence: "no controller cpuacct is mounted")
        }
        for group in [cpu.group, accounting.group] {
            do throws(SystemError) {
                try FileTree.checkWritable(group)
            } catch {
                throw Reason(sentence: "\(error); \(HostControlError.remedy)")
            }
        }
        return .legacy(cpu: cpu.group, accounting: accounting.group)
    }

    private func usableProcessors(_ remarks: inout [String]) -> ProcessorSet {
        do throws(SystemError) {
            return try ThreadScheduling.processors(of: 0)
        } catch {
            remarks.append("the host's processors are not known: \(error)")
            return ProcessorSet([0])
        }
    }

    private func pressureProblem() -> String? {
        do throws(SystemError) {
            _ = try files.processText("pressure/cpu")
            return nil
        } catch {
            return "no pressure (PSI): \(error); boot the kernel with psi=1"
        }
    }
}
