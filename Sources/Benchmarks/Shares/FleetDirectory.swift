internal import Glibc
internal import HostControl
internal import HostSystem

/// The run directory of a fleet: what lives in it ends with it, and it is removed.
final class FleetDirectory {
    /// A name that no other fleet has, living or dead.
    let name: String
    var path: String { "\(Self.place)/\(name)" }
    private let roost: String

    private static let place = "/tmp"
    private static let prefix = "roost-experiment-"
    /// How many this process has made.
    private static let count = Monitor(0)

    /// Makes one, after clearing those of experiments that were killed.
    init(roost: String) throws(SystemError) {
        let number = Self.count.update { count in
            count += 1
            return count
        }
        self.roost = roost
        name = "\(Self.prefix)\(HostProcess.identifier)-\(number)"
        for other in try FileTree.names(in: Self.place) where Self.isLeft(other) {
            FleetDirectory(left: other, roost: roost).clear()
            Self.removeGroups(other)
        }
        try FileTree.makePrivateDirectory(path)
    }

    private init(left name: String, roost: String) {
        self.name = name
        self.roost = roost
    }

    /// Whether a name is that of a directory whose experiment has ended.
    private static func isLeft(_ name: String) -> Bool {
        guard name.hasPrefix(prefix),
            let process = Int32(name.dropFirst(prefix.count).prefix { $0 != "-" }), process > 0
        else { return false }
        return kill(process, 0) != 0 && errno == ESRCH
    }

    /// The process that listens as the manager; nil if there is none.
    var manager: pid_t? {
        guard let connection = try? LocalSocket.connect(to: "\(path)/roostd.sock") else { return nil }
        // unix(7), SO_PEERCRED: process, user and group of who listens.
        var credentials: (Int32, UInt32, UInt32) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: credentials))
        // SAFETY: both are ours, and as large as they are said to be.
        let result = unsafe getsockopt(connection.number, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
        return result == 0 && credentials.0 > 0 ? credentials.0 : nil
    }

    /// Ends the machines and the manager, and removes the directory.
    func clear() {
        let machines = ((try? FileTree.names(in: path)) ?? []).filter {
            FileTree.modificationTime("\(path)/\($0)/lock") != nil
        }
        for machine in machines {
            let words = ["/usr/bin/env", "ROOST_RUN_DIR=\(path)", roost, "kill", machine]
            // One that has ended by itself is as well.
            guard var child = try? ChildProcess(Command(words: words)) else { continue }
            _ = try? DescriptorIO.readAll(child.output.number, limit: 1 << 16)
            _ = try? child.reap()
        }
        if let manager, let process = try? OtherProcess(manager) {
            kill(manager, SIGTERM)
            kill(manager, SIGCONT)
            var end = PollSet()
            end.watch(process.endDescriptor, for: .readable)
            _ = try? end.wait(timeoutMilliseconds: 10_000)
        }
        Self.removeTree(path)
    }

    /// Removes the control groups of a fleet that a manager did not divide.
    private static func removeGroups(_ name: String) {
        // Where there are none, none are left.
        guard let control = try? CPUControl(HostCapabilities.discover(choice: .groups), parent: name) else {
            return
        }
        _ = try? control.sweep()
        try? control.end()
    }

    /// Removes a directory with all in it.
    private static func removeTree(_ path: String) {
        for name in (try? FileTree.names(in: path)) ?? [] {
            let inner = "\(path)/\(name)"
            // Not what a link names, but the link.
            // SAFETY: a C string for the length of the call.
            if unsafe unlink(inner) != 0 { removeTree(inner) }
        }
        FileTree.removeDirectory(path)
    }
}
