public import HostSystem

/// What of this host there is for machines, to be looked at again and again: processors come and go, and so do limits
/// of the groups this process is in.
public struct HostCapacity: Sendable {
    private let files: HostFiles
    /// This process's groups and those above them.
    private let groups: [String]

    /// What there is at one moment.
    public struct Amount: Sendable, Equatable {
        /// The processors that machines may use: those this process may.
        public let processors: ProcessorSet
        /// Processor time, in millionths of a processor: all of them, or less if one of the groups has a limit.
        public let capacity: Int
    }

    /// Of this process, which stays in its groups.
    public init(_ files: HostFiles = HostFiles()) throws(SystemError) {
        self.init(
            files: files,
            GroupHierarchies(
                mounts: try files.processText("self/mountinfo"),
                membership: try files.processText("self/cgroup")))
    }

    init(files: HostFiles, _ hierarchies: GroupHierarchies) {
        self.files = files
        var groups: [String] = []
        for place in [hierarchies.unified, hierarchies.legacy["cpu"]].compactMap({ $0 }) {
            var group = place.group
            while true {
                groups.append(group)
                guard group.count > place.mount.count, let slash = group.lastIndex(of: "/") else { break }
                group = String(group[..<slash])
            }
        }
        self.groups = groups
    }

    /// Looks. It reads a small file or two for each group above.
    public func look() throws(SystemError) -> Amount {
        let processors = try ThreadScheduling.processors(of: 0)
        return Amount(
            processors: processors, capacity: min(max(processors.count, 1) * 1_000_000, limit))
    }

    /// The least limit of all groups, in millionths of a processor.
    var limit: Int { groups.reduce(Int.max) { min($0, limit(of: $1) ?? .max) } }

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
}
