internal import ControlProtocol
internal import Glibc
internal import HostSystem
internal import JSONText
internal import Specification

/// A running machine's place in the file system: `<run directory>/<name>/`, held by a lock.
///
/// It is gone when the value ends, but for the records of a detached machine. What those and a killed
/// process leave behind is not locked any more and is taken over by the next machine of that name.
struct RunDirectory: ~Copyable {
    private let path: String
    private var lock: FileLock?
    private var keepsRecords = false
    /// The files in it besides the lock.
    private var made: [String] = []

    /// Claims the machine's name and writes down its specification as it came.
    static func claim(for spec: MachineSpec, text: [UInt8]) throws(MachineError) -> RunDirectory {
        let base =
            spec.runDirectory
            ?? MachineSpec.usualRunDirectory(
                user: HostProcess.user, environment: HostProcess.environment,
                isWritable: FileTree.isWritableDirectory)
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
            var isNew = true
            for _ in 0..<100 {
                isNew = try FileTree.makePrivateDirectory(path)
                do {
                    guard let held = try FileLock.acquire(path + "/" + RunFiles.lock) else {
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
            var directory = RunDirectory(path: path, lock: lock)
            if !isNew { directory.removeFiles(RunFiles.all) }
            try FileTree.write(text, to: directory.newFile(RunFiles.specification))
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
        self.lock = consume lock
    }

    /// The path of a file that is about to be made, and is removed with the directory.
    mutating func newFile(_ name: String) -> String {
        made.append(name)
        return path + "/" + name
    }

    /// Puts a link to the console's pseudo-terminal beside the specification.
    mutating func linkConsole(to target: String) throws(MachineError) {
        do {
            try FileTree.link(newFile(RunFiles.consoleLink), to: target)
        } catch {
            throw .output(error)
        }
    }

    /// The path of the stats page, which is made with the machine.
    mutating func statsPath() -> String { newFile(RunFiles.stats) }

    /// Where the machine's own messages go when nobody is there to read standard error; made empty.
    mutating func openMessages() throws(MachineError) -> OwnedDescriptor {
        do {
            return try OwnedDescriptor.open(
                newFile(RunFiles.messages), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND)
        } catch {
            throw .output(error)
        }
    }

    /// From now on specification, logs and how the machine ended stay when it is gone.
    mutating func keepRecords() {
        keepsRecords = true
    }

    /// Writes down how the machine ended, if records are kept.
    func record(_ end: EndReport, _ log: MachineLog) {
        guard keepsRecords else { return }
        do {
            try FileTree.write(Array(end.json.text(.pretty).utf8), to: path + "/" + RunFiles.end)
        } catch {
            log.warning("how the machine ended is not written down: \(error)")
        }
    }

    deinit { removeFromDisk() }

    /// Removes everything but the records, then gives the name free.
    mutating func remove() {
        removeFromDisk()
        lock = nil
    }

    /// The lock is held on, so that no other machine finds half of it.
    private borrowing func removeFromDisk() {
        guard lock != nil else { return }
        guard !keepsRecords else {
            removeFiles(RunFiles.live)
            return
        }
        removeFiles(made)
        FileTree.remove(path + "/" + RunFiles.lock)
        FileTree.removeDirectory(path)
    }

    private borrowing func removeFiles(_ names: [String]) {
        for name in names { FileTree.remove(path + "/" + name) }
    }
}
