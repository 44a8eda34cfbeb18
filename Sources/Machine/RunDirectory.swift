internal import HostSystem
internal import Glibc
internal import Specification

/// A running machine's place in the file system: `<run directory>/<name>/`, held by a lock.
///
/// It is gone when the value ends. What a killed process left behind is not locked any more and is
/// taken over by the next machine of that name.
struct RunDirectory: ~Copyable {
    private let path: String
    private let lock: FileLock

    private static let lockFile = "lock"
    private static let specFile = "spec.json"
    private static let consoleLink = "console"

    /// Claims the machine's name and writes down its specification as it came.
    static func claim(for spec: MachineSpec, text: [UInt8]) throws(MachineError) -> RunDirectory {
        let base = spec.runDirectory ?? usualPath()
        let path = base + "/" + spec.name
        do {
            try FileTree.makePrivateDirectory(base)
            // Anybody may make a directory in /tmp: one that waits there for us is not ours to trust.
            guard try FileTree.isOwnedByUser(base) else {
                throw SystemError(
                    "use the run directory \(base)", number: EPERM,
                    advice: "it is a link, or belongs to somebody else")
            }
            // Between making the directory and locking a file in it, its last owner may remove it.
            var lock: FileLock?
            for _ in 0..<100 {
                try FileTree.makePrivateDirectory(path)
                do {
                    guard let held = try FileLock.acquire(path + "/" + lockFile) else {
                        throw MachineError.nameInUse(spec.name, directory: path)
                    }
                    lock = consume held
                    break
                } catch let error as SystemError where error.number == ENOENT {
                    continue
                } catch {
                    // The directory may be ours and empty; somebody else's is not, and stays.
                    FileTree.removeDirectory(path)
                    throw error
                }
            }
            guard let lock = consume lock else {
                throw MachineError.output(SystemError("claim \(path)", number: EAGAIN))
            }
            // From here on everything is removed again, should the disk be full.
            let directory = RunDirectory(path: path, lock: lock)
            try FileTree.write(text, to: path + "/" + specFile)
            return directory
        } catch let error as SystemError {
            throw .output(error)
        } catch let error as MachineError {
            throw error
        } catch {
            throw .wiring("\(error)")
        }
    }

    private init(path: String, lock: consuming FileLock) {
        self.path = path
        self.lock = lock
    }

    /// Puts a link to the console's pseudo-terminal beside the specification.
    func linkConsole(to target: String) throws(MachineError) {
        do {
            try FileTree.link(path + "/" + Self.consoleLink, to: target)
        } catch {
            throw .output(error)
        }
    }

    deinit { remove() }

    /// Removes everything. The lock is held on, so that no other machine finds half of it.
    func remove() {
        for file in [Self.consoleLink, Self.specFile, Self.lockFile] {
            FileTree.remove(path + "/" + file)
        }
        FileTree.removeDirectory(path)
    }

    /// `$ROOST_RUN_DIR`, else `/run/roost` where this user may, else `$XDG_RUNTIME_DIR/roost`, else a
    /// directory of the user's own in `/tmp`.
    private static func usualPath() -> String {
        if let path = environment("ROOST_RUN_DIR") { return path }
        if geteuid() == 0, FileTree.isWritableDirectory("/run") { return "/run/roost" }
        if let path = environment("XDG_RUNTIME_DIR") { return path + "/roost" }
        return "/tmp/roost-\(geteuid())"
    }

    private static func environment(_ name: String) -> String? {
        HostProcess.environment(name).flatMap { $0.isEmpty ? nil : $0 }
    }
}
