/// Where this process's control groups are: cgroups(7), by the mounts and the membership that proc(5) tells.
struct GroupHierarchies: Equatable {
    /// A hierarchy that is mounted, and this process's group in it.
    struct Place: Equatable {
        /// The directory at which the hierarchy is mounted.
        let mount: String
        /// This process's group, an absolute path in the file system.
        let group: String

        /// The group around the machines', if this is one of theirs.
        var outsideMachines: Place {
            guard group.count > mount.count, group.hasPrefix(mount) else { return self }
            return Place(
                mount: mount, group: mount + GroupNames.outside(String(group.dropFirst(mount.count))))
        }
    }

    /// The hierarchy of version 2; nil if none is mounted.
    let unified: Place?
    /// Those of version 1, by controller.
    let legacy: [String: Place]

    /// From the text of `/proc/self/mountinfo` and `/proc/self/cgroup`. Lines of other forms are passed over.
    init(mounts: String, membership: String) {
        var paths: [String: Substring] = [:]
        for line in membership.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
                paths[String(controller)] = fields[2]
            }
        }
        var unified: Place?
        var legacy: [String: Place] = [:]
        for line in mounts.split(separator: "\n") {
            guard let mount = Mount(line) else { continue }
            switch mount.type {
            case "cgroup2" where unified == nil:
                // The membership of version 2 names no controller.
                unified = mount.place(of: paths[""])
            case "cgroup":
                for option in mount.options where legacy[option] == nil {
                    legacy[option] = mount.place(of: paths[option])
                }
            default: break
            }
        }
        self.unified = unified
        self.legacy = legacy
    }

    private init(unified: Place?, legacy: [String: Place]) {
        self.unified = unified
        self.legacy = legacy
    }

    /// The same, of a process that lives in no machine's group.
    func outsideMachines() -> GroupHierarchies {
        GroupHierarchies(
            unified: unified?.outsideMachines, legacy: legacy.mapValues(\.outsideMachines))
    }

    /// The group whose weight counts for the process; nil if it is the root of all, where each process and session
    /// counts for itself.
    ///
    /// - Parameter exists: whether there is a file.
    func weighingGroup(_ exists: (String) -> Bool) -> String? {
        if let place = legacy["cpu"] { return place.group == place.mount ? nil : place.group }
        guard let place = unified else { return nil }
        // Only groups to which the controller is given have the file; the others count as those above them.
        var group = place.group
        while !exists("\(group)/cpu.weight") {
            guard group.count > place.mount.count, let slash = group.lastIndex(of: "/") else { return nil }
            group = String(group[..<slash])
        }
        return group
    }

    /// A line of mountinfo, proc_pid_mountinfo(5).
    private struct Mount {
        let root: String
        let directory: String
        let type: Substring
        let options: [String]

        init?(_ line: Substring) {
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else {
                return nil
            }
            root = Self.unescaped(fields[3])
            directory = Self.unescaped(fields[4])
            type = fields[dash + 1]
            options = fields[dash + 3].split(separator: ",").map(String.init)
        }

        /// The directory of a group; nil if this mount does not show it.
        func place(of path: Substring?) -> Place? {
            guard let path, path.hasPrefix("/") else { return nil }
            // A mount may show only a part of the hierarchy, in containers above all.
            let prefix = root == "/" ? "" : root
            guard path == prefix || path.hasPrefix(prefix + "/") else { return nil }
            let rest = path.dropFirst(prefix.count)
            return Place(mount: directory, group: rest == "/" ? directory : directory + rest)
        }

        /// A path with its blanks back: they are told as three octal digits.
        private static func unescaped(_ text: Substring) -> String {
            var bytes: [UInt8] = []
            var rest = Array(text.utf8)[...]
            while let byte = rest.popFirst() {
                if byte == UInt8(ascii: "\\"), rest.count >= 3,
                    let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
                {
                    bytes.append(code)
                    rest = rest.dropFirst(3)
                } else {
                    bytes.append(byte)
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
