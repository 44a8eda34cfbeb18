internal import HostSystem

/// Finds out what `HostCapabilities` says.
struct HostDiscovery {
    let files: HostFiles

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
        let processors = usableProcessors(&remarks)
        func found(_ mechanism: CPUMechanism, _ places: ControlPlaces) -> HostCapabilities {
            HostCapabilities(
                mechanism: mechanism, remarks: remarks, processors: processors,
                capacity: min(processors.count * 1_000_000, limitAbove(hierarchies)),
                pressureProblem: pressureProblem(), places: places)
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
        let lowest = ThreadScheduling.lowestNice()
        // One that can only be raised cannot follow what a machine should get.
        if lowest <= 0 {
            remarks.append("nice values cannot limit a machine: --cpu-limit is refused")
            if hasAutogroups {
                remarks.append(
                    "nice values do not tell machines of different sessions apart while the kernel groups processes "
                        + "by session: set kernel.sched_autogroup_enabled to 0 (sysctl)")
            }
            return found(.nice(lowest: lowest), .nowhere)
        }
        remarks.append(
            "not by nice values: this process may not lower them; raise RLIMIT_NICE to 40 (LimitNICE=40 in a unit)"
        )
        return found(.none, .nowhere)
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

    /// Whether processes outside of control groups share by sessions first (sched(7), the autogroup feature): each
    /// detached machine has a session of its own.
    private var hasAutogroups: Bool {
        // A kernel without the feature has no such file.
        (try? files.processText("sys/kernel/sched_autogroup_enabled"))?.hasPrefix("1") == true
    }

    private func usableProcessors(_ remarks: inout [String]) -> ProcessorSet {
        do throws(SystemError) {
            return try ThreadScheduling.processors(of: 0)
        } catch {
            remarks.append("the host's processors are not known: \(error)")
            return ProcessorSet([0])
        }
    }

    /// The least limit of this process's group and those above it, in millionths of a processor.
    private func limitAbove(_ hierarchies: GroupHierarchies) -> Int {
        var least = Int.max
        for place in [hierarchies.unified, hierarchies.legacy["cpu"]].compactMap({ $0 }) {
            var group = place.group
            while true {
                if let limit = limit(of: group) { least = min(least, limit) }
                guard group.count > place.mount.count, let slash = group.lastIndex(of: "/") else { break }
                group = String(group[..<slash])
            }
        }
        return least
    }

    /// A group's limit; nil if it has none, or no such file.
    private func limit(of group: String) -> Int? {
        // The files of the other version, and those of a root, are not there: that is the answer.
        let words =
            (try? files.text("\(group)/cpu.max"))
            ?? (try? files.text("\(group)/cpu.cfs_quota_us") + " " + files.text("\(group)/cpu.cfs_period_us"))
        let numbers = (words ?? "").split(whereSeparator: \.isWhitespace).map { Int($0) }
        guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0, period > 0
        else {
            return nil
        }
        let (scaled, overflow) = quota.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? nil : scaled / period
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
