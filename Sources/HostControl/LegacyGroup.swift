internal import HostSystem

/// A machine's groups of cgroup v1 (Linux, Documentation/scheduler/sched-design-CFS.rst, sched-bwc.rst, and
/// admin-guide/cgroup-v1/cpuacct.rst).
final class LegacyGroup: MachineGroup {
    let directories: [String]
    let mechanism = CPUMechanism.cgroupV1
    private let weight: SettingFile
    private let quota: SettingFile
    private let period: SettingFile
    private var used: StatusFile
    private var statistics: StatusFile
    /// What `statistics` said last, and whether it can say something else by now: without a limit it cannot.
    private var throttling: (time: UInt64?, periods: UInt64?) = (nil, nil)
    private var hasLimit = true
    private var mayHaveGrown = true

    convenience init(cpu: String, accounting: String, process: Int32) throws(HostControlError) {
        do throws(SystemError) {
            for directory in cpu == accounting ? [cpu] : [cpu, accounting] {
                try FileTree.makeDirectory(directory)
                try SettingFile("\(directory)/cgroup.procs").write("\(process)")
            }
            try self.init(openedIn: cpu, accounting)
        } catch {
            throw .of(error, group: cpu)
        }
    }

    private init(openedIn cpu: String, _ accounting: String) throws(SystemError) {
        weight = try SettingFile("\(cpu)/cpu.shares")
        quota = try SettingFile("\(cpu)/cpu.cfs_quota_us")
        period = try SettingFile("\(cpu)/cpu.cfs_period_us")
        used = try StatusFile("\(accounting)/cpuacct.usage")
        statistics = try StatusFile("\(cpu)/cpu.stat")
        directories = cpu == accounting ? [cpu] : [cpu, accounting]
    }

    private var name: String { directories.first ?? "" }

    func apply(_ settings: CPUSettings, before: CPUSettings?) throws(HostControlError) -> Bool {
        try settings.check(for: .cgroupV1)
        do throws(SystemError) {
            if before?.weight != settings.weight { try weight.write("\(settings.weight)") }
            guard before == nil || before?.limit != settings.limit else { return true }
            if let limit = settings.limit {
                // A quota without a period of its own takes the one there is: first the period.
                if before?.limit?.period != limit.period { try period.write("\(limit.period)") }
                try quota.write("\(limit.quota)")
                hasLimit = true
                mayHaveGrown = true
            } else {
                try quota.write("-1")
                hasLimit = false
            }
            return true
        } catch {
            throw .of(error, group: name)
        }
    }

    func usage() throws(HostControlError) -> CPUUsage {
        let path = used.path
        let usage: Result<UInt64, HostControlError>
        do throws(SystemError) {
            usage = try used.read { text in
                var place = 0
                guard let used = KernelText.number(in: text, at: &place) else {
                    return .failure(.unknownForm(path: path, text: KernelText.excerpt(of: text)))
                }
                return .success(used)
            }
            try readThrottling()
        } catch {
            throw .of(error, group: name)
        }
        return CPUUsage(
            used: try usage.get(), limited: throttling.time, limitedPeriods: throttling.periods)
    }

    /// Once more after a limit was taken away, for what came before that.
    private func readThrottling() throws(SystemError) {
        guard mayHaveGrown else { return }
        throttling = try statistics.read { text in
            (
                KernelText.number(of: "throttled_time", in: text),
                KernelText.number(of: "nr_throttled", in: text)
            )
        }
        mayHaveGrown = hasLimit
    }
}
