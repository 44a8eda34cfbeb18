internal import HostSystem

/// What a machine's nice values weigh against, and who else is in there.
enum NiceStanding: Equatable {
    /// Threads of the whole host, or of the control group that this process lives in too.
    case withAll
    /// Sessions: it has one of its own.
    case ownSession
    /// Threads of its session only: another process is in it.
    case sharedSession(with: Int32)
    /// Threads of a control group only, in which this process is not.
    case elsewhere(group: String)

    /// That of a process.
    static func of(_ process: Int32, _ files: HostFiles) throws(HostControlError) -> NiceStanding {
        // A kernel without control groups has no such files: then all are in one.
        let own: String?
        do throws(SystemError) {
            own = try weighingGroup("self", files)
        } catch {
            return Autogroup.isEnabled(files) ? try ofSession(process, files) : .withAll
        }
        do throws(SystemError) {
            let theirs = try weighingGroup("\(process)", files)
            guard theirs == own else { return .elsewhere(group: theirs ?? "/") }
            // Sessions count only in the root of all.
            guard theirs == nil, Autogroup.isEnabled(files) else { return .withAll }
        } catch {
            throw error.number == ErrorNumber.noEntry || error.number == ErrorNumber.noProcess
                ? .ended(error) : .system(error)
        }
        return try ofSession(process, files)
    }

    private static func ofSession(
        _ process: Int32, _ files: HostFiles
    ) throws(HostControlError) -> NiceStanding {
        guard let session = Autogroup.of(process, files) else { return .withAll }
        do throws(SystemError) {
            return try session.partner(of: process, files).map { .sharedSession(with: $0) } ?? .ownSession
        } catch {
            throw .system(error)
        }
    }

    /// The control group whose weight counts for a process; nil if it is the root of all.
    static func weighingGroup(_ process: String, _ files: HostFiles) throws(SystemError) -> String? {
        GroupHierarchies(
            mounts: try files.processText("self/mountinfo"),
            membership: try files.processText("\(process)/cgroup")
        ).weighingGroup { FileTree.modificationTime($0) != nil }
    }

    /// What is amiss, a clause that begins with the machine, and what to do; nil if nothing.
    func remark(_ files: HostFiles) -> String? {
        switch self {
        case .withAll, .ownSession: return nil
        case .sharedSession(let other):
            let title = (try? files.processText("\(other)/comm"))?.prefix { $0 != "\n" } ?? "?"
            return
                "it shares its session with process \(other) (\(title)), so that its shares count only among "
                + "machines of that session; 'roost run -d' starts it in one of its own"
        case .elsewhere(let group):
            return
                "it lives in the control group \(group), whose weight decides and not its shares; start it from "
                + "where roostd runs"
        }
    }
}
