internal import HostSystem

/// What the kernel groups processes by while `kernel.sched_autogroup_enabled` is 1 (sched(7), the autogroup
/// feature): a process that begins a session begins such a group. Between them only their own nice values count,
/// those of their threads only within.
struct Autogroup: Equatable {
    /// Its number, which no other group has at the same time.
    let identifier: UInt64

    /// That of a process; nil if it is in none, as when it has ended or comes from before all sessions.
    static func of(_ process: Int32, _ files: HostFiles) -> Autogroup? {
        guard let text = try? files.processText("\(process)/autogroup") else { return nil }
        return Autogroup(text)
    }

    /// From `/autogroup-17 nice 0`.
    init?(_ text: String) {
        let prefix = "/autogroup-"
        guard text.hasPrefix(prefix),
            let identifier = UInt64(text.dropFirst(prefix.count).prefix { $0.isASCII && $0.isNumber })
        else { return nil }
        self.identifier = identifier
    }

    /// Another process in it than this one; nil if there is none that can be seen.
    func partner(of process: Int32, _ files: HostFiles) throws(SystemError) -> Int32? {
        for name in try FileTree.names(in: files.processes) {
            guard let other = Int32(name), other != process, Autogroup.of(other, files) == self,
                // One that has ended and not been buried wants nothing any more.
                !Self.hasEnded(other, files)
            else { continue }
            return other
        }
        return nil
    }

    /// Whether processes are grouped so now.
    static func isEnabled(_ files: HostFiles) -> Bool {
        // A kernel without the feature has no such file.
        (try? files.processText("sys/kernel/sched_autogroup_enabled"))?.hasPrefix("1") == true
    }

    /// Whether a process has ended, by its state in proc_pid_stat(5).
    private static func hasEnded(_ process: Int32, _ files: HostFiles) -> Bool {
        guard let text = try? files.processText("\(process)/stat"), let name = text.lastIndex(of: ")") else {
            return true
        }
        return "ZX".contains(text[name...].dropFirst(2).first ?? "X")
    }
}
