internal import ControlProtocol
internal import HostSystem
internal import ManagerProtocol
internal import Resources
internal import Specification
internal import Stats

/// What runs according to the run directory: nothing in it is believed but locks, and processes that live.
///
/// A look costs little while nothing changes there: names are read again only when the directory has changed, and a
/// specification only when its file has.
struct RunDirectoryScan {
    /// A machine that runs and wants to be managed.
    struct Found {
        let name: VMName
        let process: Int32
        let specification: MachineSpec
    }

    let path: String
    /// What may be machines, as they were read last, and the directory's stamp then.
    private var names: [VMName] = []
    private var stamp: FileStamp?
    /// Whether the names were read when the directory had that stamp already: before that it may have changed again
    /// within the clock's grain.
    private var isSettled = false
    /// Specifications that were read and are of no machine to be managed.
    private var others: [VMName: FileStamp] = [:]

    /// How often a specification was read.
    private(set) var readings = 0

    init(path: String) {
        self.path = path
    }

    /// - Parameter known: machines that need not be looked at again.
    mutating func machines(besides known: (VMName) -> Bool) throws(SystemError) -> [Found] {
        try readNames()
        var found: [Found] = []
        for name in names where !known(name) {
            // One that starts or ends just now is looked at again the next time.
            guard isRunning(name), let specification = specification(of: name),
                let process = Self.process(named: name, in: path)
            else { continue }
            found.append(Found(name: name, process: process, specification: specification))
        }
        return found
    }

    private mutating func readNames() throws(SystemError) {
        let now = FileStamp(of: path)
        if let now, now == stamp, isSettled { return }
        isSettled = now != nil && now == stamp
        stamp = now
        names = try FileTree.names(in: path).filter(MachineSpec.isName).compactMap { try? VMName($0) }
        others = others.filter { names.contains($0.key) }
    }

    private func isRunning(_ name: VMName) -> Bool {
        (try? FileLock.isHeld("\(path)/\(name)/\(RunFiles.lock)")) == true
    }

    /// The process of a machine that runs; nil if none does, or it does not say yet.
    func process(of name: VMName) -> Int32? {
        isRunning(name) ? Self.process(named: name, in: path) : nil
    }

    /// That of a machine to be managed; nil if it is of another, or cannot be read.
    private mutating func specification(of name: VMName) -> MachineSpec? {
        let file = "\(path)/\(name)/\(RunFiles.specification)"
        let stamp = FileStamp(of: file)
        if let stamp, others[name] == stamp { return nil }
        readings += 1
        guard let text = RegularFile.contents(of: file, limit: 1 << 20),
            let specification = try? MachineSpec(jsonText: text), specification.isManaged
        else {
            others[name] = stamp
            return nil
        }
        others[name] = nil
        return specification
    }

    private static func process(named name: VMName, in path: String) -> Int32? {
        guard var observer = try? MachineObserver(page: "\(path)/\(name)/\(RunFiles.stats)") else {
            return nil
        }
        return (try? observer.page())?.process
    }
}
