/// The names of the groups this module makes.
enum GroupNames {
    /// The group that holds the machines', below this process's own.
    static let machines = "roost"
    /// The leaf this process moves to under version 2, where a group that divides has no processes of its own.
    static let manager = "roost-manager"
    /// What the name of a machine's group ends with, so that it meets no file of the kernel's.
    static let suffix = ".vm"

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
