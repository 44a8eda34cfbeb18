internal import ControlProtocol
internal import Glibc
internal import HostSystem
internal import JSONText
internal import Specification

/// The directory where machines are listed, as a command finds it: nothing in it is believed but locks
/// and what answers.
struct MachineDirectory {
    let path: String
    /// Whether somebody named it, and so knows whose it is.
    private let isChosen: Bool

    /// - Parameter path: as a flag says; nil for the usual place.
    init(_ path: String?) {
        isChosen = path != nil
        self.path =
            path
            ?? MachineSpec.usualRunDirectory(
                user: HostProcess.user, environment: HostProcess.environment,
                isWritable: FileTree.isWritableDirectory)
    }

    /// The path if somebody named it, from the root, for a machine that starts elsewhere; nil for the usual place.
    var chosenPath: String? { isChosen ? HostPath.absolute(path) : nil }

    /// A machine's place in it.
    struct Entry {
        let name: String
        let path: String

        func file(_ name: String) -> String { path + "/" + name }

        /// Whether a process has the name now: its lock says so, and nothing else does.
        var isAlive: Bool {
            get throws(CommandFailure) {
                do {
                    return try FileLock.isHeld(file(RunFiles.lock))
                } catch {
                    throw CommandFailure(error.isPermission ? .noPermission : .ioError, error)
                }
            }
        }

        /// What the machine was made of; nil if that cannot be read.
        var specification: MachineSpec? {
            guard let text = InputFile.readSystemFile(file(RunFiles.specification)) else { return nil }
            return try? MachineSpec(jsonText: text)
        }

        /// How it ended, if it was detached and had time to say so.
        var end: EndReport? {
            guard let text = InputFile.readSystemFile(file(RunFiles.end)),
                let json = try? JSONValue(text: text)
            else { return nil }
            return try? EndReport(json: json)
        }
    }

    /// All entries, running or not, sorted by name. No directory is none.
    func entries() throws(CommandFailure) -> [Entry] {
        do throws(SystemError) {
            // Anybody may make a directory in /tmp: what waits there for us is not believed.
            if !isChosen, try !FileTree.isOwnedByUser(path) {
                throw SystemError(
                    "use the run directory \(path)", number: EPERM,
                    advice: "it is a link, or belongs to somebody else")
            }
            return try FileTree.names(in: path).filter(MachineSpec.isName).map(entry)
        } catch  where error.number == ENOENT {
            return []
        } catch {
            throw CommandFailure(error.isPermission ? .noPermission : .noInput, error)
        }
    }

    private func entry(_ name: String) -> Entry { Entry(name: name, path: path + "/" + name) }

    /// The entry of a name, running or ended.
    func find(_ name: String) throws(CommandFailure) -> Entry {
        let all = try entries()
        if let entry = all.first(where: { $0.name == name }) { return entry }
        throw unknown(name, among: all)
    }

    /// The entry of a machine that runs.
    func running(_ name: String) throws(CommandFailure) -> Entry {
        let all = try entries()
        guard let entry = all.first(where: { $0.name == name }) else { throw unknown(name, among: all) }
        guard try entry.isAlive else {
            let end = entry.end.map { "it has ended: \($0.reason)" } ?? "it was killed"
            throw CommandFailure(.noInput, "the machine \(name) is not running: \(end)")
        }
        return entry
    }

    /// Names those that there are, in case of a typing error.
    private func unknown(_ name: String, among all: [Entry]) -> CommandFailure {
        let running = all.filter { (try? $0.isAlive) == true }.map(\.name)
        guard !running.isEmpty else {
            return CommandFailure(.noInput, "there is no machine '\(name)': none is running in \(path)")
        }
        let shown = running.prefix(10).joined(separator: ", ") + (running.count > 10 ? ", …" : "")
        return CommandFailure(.noInput, "there is no machine '\(name)'; running: \(shown)")
    }

    /// Removes what an ended machine has left.
    func remove(_ entry: Entry) throws(CommandFailure) {
        do {
            guard let lock = try FileLock.acquire(entry.file(RunFiles.lock)) else {
                throw CommandFailure(
                    .tempFail, "the machine \(entry.name) is running: 'roost stop \(entry.name)' ends it")
            }
            for name in RunFiles.all + [RunFiles.lock] { FileTree.remove(entry.file(name)) }
            FileTree.removeDirectory(entry.path)
            _ = consume lock
        } catch let error as SystemError {
            throw CommandFailure(error.isPermission ? .noPermission : .ioError, error)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.software, "\(error)")
        }
    }

    /// How many ended machines' records are kept.
    static let keptRecords = 20

    /// Removes the oldest records, so that they do not fill the disk one day.
    func prune() {
        // Tidying up: what fails is tried again the next time.
        let ended = ((try? entries()) ?? []).filter { (try? $0.isAlive) == false }
        guard ended.count > Self.keptRecords else { return }
        let byAge = ended.map { ($0, FileTree.modificationTime($0.path) ?? 0) }.sorted { $0.1 < $1.1 }
        for (entry, _) in byAge.dropLast(Self.keptRecords) { try? remove(entry) }
    }
}
