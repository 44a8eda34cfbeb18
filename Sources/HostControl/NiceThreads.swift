internal import HostSystem

/// A machine whose virtual CPUs' threads have nice values.
final class NiceThreads: MachineGroup {
    let directories: [String] = []
    let mechanism: CPUMechanism
    let remark: String?
    let isLeftOut: Bool
    private let process: Int32
    private let files: HostFiles
    /// The lowest nice value that its threads may be given.
    private let lowest: Int
    private var threads: [Int32] = []

    /// - Parameters:
    ///   - standing: what its nice values weigh against, if that is not all machines' threads; else nil.
    ///   - isLeftOut: whether that leaves it out for good.
    ///   - permitted: the lowest nice value its threads may be given.
    init(
        process: Int32, mechanism: CPUMechanism, files: HostFiles, standing: String?, isLeftOut: Bool,
        permitted: Int
    ) {
        self.process = process
        self.mechanism = mechanism
        self.files = files
        lowest = permitted
        self.isLeftOut = isLeftOut
        remark = standing ?? Self.limitRemark(permitted, mechanism)
    }

    private static func limitRemark(_ permitted: Int, _ mechanism: CPUMechanism) -> String? {
        guard let range = mechanism.weights, permitted > range.lowerBound else { return nil }
        let what =
            permitted > 19
            ? "its nice value cannot be lowered again, so that its shares do not count"
            : "its nice value may be \(permitted) at the lowest"
        return "\(what): its own RLIMIT_NICE counts, not roostd's; raise it where the machine is started, to "
            + "\(20 - range.lowerBound) (limits.conf: nice \(range.lowerBound)), or give roostd CAP_SYS_NICE"
    }

    func apply(_ settings: CPUSettings, before: CPUSettings?) throws(HostControlError) -> Bool {
        try settings.check(for: mechanism)
        // One that could only ever be raised would end up at the bottom.
        guard lowest <= 19 else { return false }
        // Threads come (virtual CPUs start) before the first setting or when the caller says so.
        if before == nil { threads = try VCPUThreads.find(of: process, files).map(\.thread) }
        for thread in threads {
            do throws(SystemError) {
                try ThreadScheduling.setNice(of: thread, to: max(settings.weight, lowest))
            } catch {
                throw error.number == ErrorNumber.noProcess ? .ended(error) : .system(error)
            }
        }
        return true
    }

    func usage() throws(HostControlError) -> CPUUsage { try ObservedProcess.usage(of: process) }
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
