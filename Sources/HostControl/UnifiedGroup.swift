internal import HostSystem

/// A machine's group of cgroup v2 (Linux, Documentation/admin-guide/cgroup-v2.rst, CPU).
final class UnifiedGroup: MachineGroup {
    let directories: [String]
    let mechanism = CPUMechanism.cgroupV2
    private let weight: SettingFile
    private let limit: SettingFile
    private var statistics: StatusFile

    convenience init(_ directory: String, process: Int32) throws(HostControlError) {
        do throws(SystemError) {
            try FileTree.makeDirectory(directory)
            try SettingFile("\(directory)/cgroup.procs").write("\(process)")
            try self.init(openedIn: directory)
        } catch {
            throw .of(error, group: directory)
        }
    }

    private init(openedIn directory: String) throws(SystemError) {
        weight = try SettingFile("\(directory)/cpu.weight")
        limit = try SettingFile("\(directory)/cpu.max")
        statistics = try StatusFile("\(directory)/cpu.stat")
        directories = [directory]
    }

    private var name: String { directories.first ?? "" }

    func apply(_ settings: CPUSettings, before: CPUSettings?) throws(HostControlError) -> Bool {
        try settings.check(for: .cgroupV2)
        do throws(SystemError) {
            if before?.weight != settings.weight { try weight.write("\(settings.weight)") }
            if before == nil || before?.limit != settings.limit {
                try limit.write(settings.limit.map { "\($0.quota) \($0.period)" } ?? "max")
            }
            return true
        } catch {
            throw .of(error, group: name)
        }
    }

    func usage() throws(HostControlError) -> CPUUsage {
        let path = statistics.path
        let usage: Result<CPUUsage, HostControlError>
        do throws(SystemError) {
            usage = try statistics.read { text in
                guard let used = KernelText.number(of: "usage_usec", in: text) else {
                    return .failure(.unknownForm(path: path, text: KernelText.excerpt(of: text)))
                }
                return .success(
                    CPUUsage(
                        used: used.microseconds,
                        limited: KernelText.number(of: "throttled_usec", in: text)?.microseconds,
                        limitedPeriods: KernelText.number(of: "nr_throttled", in: text)))
            }
        } catch {
            throw .of(error, group: name)
        }
        return try usage.get()
    }
}

extension UInt64 {
    /// That many microseconds in nanoseconds; the most there is, if that is more.
    var microseconds: UInt64 {
        let (product, overflow) = multipliedReportingOverflow(by: 1000)
        return overflow ? .max : product
    }
}
