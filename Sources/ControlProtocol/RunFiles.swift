/// The names of the files in a machine's run directory, `<run directory>/<name>/`.
public enum RunFiles {
    /// Locked (flock) as long as the machine lives: that, and nothing else, says that it does.
    public static let lock = "lock"
    /// The specification as it came.
    public static let specification = "spec.json"
    /// A link to the console's pseudo-terminal, if that is the console.
    public static let consoleLink = "console"
    /// The stats page.
    public static let stats = "stats"
    /// The control socket.
    public static let controlSocket = "control.sock"
    /// Where consoles attach, if the console is `socket`.
    public static let consoleSocket = "console.sock"
    /// The end of the console's output, if the console is `socket`.
    public static let consoleLog = "console.log"
    /// What was in the log before it was begun anew.
    public static let oldConsoleLog = "console.log.1"
    /// A detached machine's own messages.
    public static let messages = "log"
    /// How a detached machine ended.
    public static let end = "end.json"

    /// All of them but the lock.
    public static let all = [
        consoleLink, specification, stats, controlSocket, consoleSocket, consoleLog, oldConsoleLog, messages,
        end,
    ]
    /// What does not outlive a detached machine.
    public static let live = [consoleLink, stats, controlSocket, consoleSocket]
}
