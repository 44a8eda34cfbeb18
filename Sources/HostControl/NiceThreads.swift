internal import HostSystem

/// A machine whose virtual CPUs' threads have nice values, or, without a mechanism, nothing.
final class NiceThreads: MachineGroup {
    let directories: [String] = []
    private let process: Int32
    private let mechanism: CPUMechanism
    private let files: HostFiles
    private var threads: [Int32] = []

    init(process: Int32, mechanism: CPUMechanism, files: HostFiles) {
        self.process = process
        self.mechanism = mechanism
        self.files = files
    }

    func apply(_ settings: CPUSettings, before: CPUSettings?) throws(HostControlError) {
        try settings.check(for: mechanism)
        guard mechanism.weights != nil else { return }
        // Threads come (virtual CPUs start) before the first setting or when the caller says so.
        if before == nil { threads = try VCPUThreads.find(of: process, files).map(\.thread) }
        for thread in threads {
            do throws(SystemError) {
                try ThreadScheduling.setNice(of: thread, to: settings.weight)
            } catch {
                throw error.number == ErrorNumber.noProcess ? .ended(error) : .system(error)
            }
        }
    }

    func usage() throws(HostControlError) -> CPUUsage {
        do throws(SystemError) {
            return CPUUsage(used: try ThreadScheduling.processorTime(ofProcess: process))
        } catch {
            throw .ended(error)
        }
    }
}

extension CPUSettings {
    /// Refuses what a mechanism cannot do.
    func check(for mechanism: CPUMechanism) throws(HostControlError) {
        if let range = mechanism.weights, !range.contains(weight) {
            throw .outOfRange(setting: "weight", value: weight, range: range)
        }
        guard let limit else { return }
        guard mechanism.canLimit else { throw .unsupported(setting: "limit", mechanism: mechanism) }
        guard CPULimit.periods.contains(limit.period) else {
            throw .outOfRange(setting: "period", value: limit.period, range: CPULimit.periods)
        }
        guard limit.quota >= CPULimit.leastQuota else {
            throw .outOfRange(setting: "quota", value: limit.quota, range: CPULimit.leastQuota...Int.max)
        }
    }
}

extension CPULimit {
    /// The kernel's periods, in microseconds.
    public static let periods = 1000...1_000_000
    /// The kernel's least quota, in microseconds.
    public static let leastQuota = 1000
}
