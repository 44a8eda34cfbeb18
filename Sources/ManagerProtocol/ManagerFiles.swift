/// The names of the manager's files in the run directory. None of them can be the name of a machine's
/// directory: those are directories, and the manager takes no machine of these names.
public enum ManagerFiles {
    /// The socket of the HTTP API.
    public static let socket = "roostd.sock"
    /// Locked (flock) as long as a manager lives: of two that start, one gets it.
    public static let lock = "roostd.lock"
    /// Pools and changed settings, for the next manager.
    public static let state = "roostd.json"
    /// What a manager in the background has to say.
    public static let log = "roostd.log"

    /// What was in the log before it was begun anew.
    public static let oldLog = "roostd.log.old"

    /// All of them.
    public static let all = [socket, lock, state, log, oldLog]
}
