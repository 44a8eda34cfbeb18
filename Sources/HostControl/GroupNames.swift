internal import HostSystem

/// The names of the groups this module makes.
enum GroupNames {
    /// The group that holds the machines', where nobody wants another name.
    static let machines = "roost"
    /// The leaf this process moves to under version 2, where a group that divides has no processes of its own.
    static let manager = "roost-manager"
    /// What the name of a machine's group ends with, so that it meets no file of the kernel's.
    static let suffix = ".vm"

    /// The group that holds those of one manager's machines: several managers, of several users or run directories,
    /// are side by side.
    static func machines(ofManager tag: String) -> String { "\(prefix)\(HostProcess.user)-\(tag)" }

    /// What that name begins with.
    private static let prefix = "roost-"

    /// Whether a group is one that `machines(ofManager:)` made for a manager of this user.
    static func isManagers(_ group: String) -> Bool { group.hasPrefix("\(prefix)\(HostProcess.user)-") }

    /// The group around all of ours that a group lies in; the group itself, if it lies in no machine's.
    ///
    /// Who starts in a machine's group stays there, and is limited with the machine, unless it leaves.
    static func outside(_ group: String) -> String {
        var parts = group.split(separator: "/", omittingEmptySubsequences: false)[...]
        for index in parts.indices.dropFirst()
        where parts[index].hasSuffix(suffix)
            && (parts[index - 1] == machines || parts[index - 1].hasPrefix(prefix))
        {
            parts = parts[..<(index - 1)]
            return parts.joined(separator: "/")
        }
        return group
    }

    /// The directory name of a machine's group; nil if the name cannot be one.
    static func group(of machine: String) -> String? {
        guard !machine.isEmpty, machine.utf8.count + suffix.utf8.count <= 255,
            !machine.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 || $0 == UInt8(ascii: "\n") })
        else { return nil }
        return machine + suffix
    }

    /// The machine a directory is for; nil if it is none of ours.
    static func machine(of group: String) -> String? {
        guard group.hasSuffix(suffix), group.count > suffix.count else { return nil }
        return String(group.dropLast(suffix.count))
    }
}
