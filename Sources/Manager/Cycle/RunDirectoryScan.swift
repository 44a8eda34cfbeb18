internal import ControlProtocol
internal import HostSystem
internal import ManagerProtocol
internal import Resources
internal import Specification
internal import Stats

/// What runs according to the run directory: nothing in it is believed but locks, and processes that live.
struct RunDirectoryScan {
    /// A machine that runs and wants to be managed.
    struct Found {
        let name: VMName
        let process: Int32
        let specification: MachineSpec
    }

    let path: String

    /// - Parameter known: machines that need not be looked at again.
    func machines(besides known: (VMName) -> Bool) throws(SystemError) -> [Found] {
        var found: [Found] = []
        for text in try FileTree.names(in: path) where MachineSpec.isName(text) {
            guard let name = try? VMName(text), !known(name) else { continue }
            // One that starts or ends just now is looked at again the next time.
            guard (try? FileLock.isHeld("\(path)/\(text)/\(RunFiles.lock)")) == true,
                let specification = specification(text), specification.isManaged,
                let process = process(text)
            else { continue }
            found.append(Found(name: name, process: process, specification: specification))
        }
        return found
    }

    /// The process of a machine that runs; nil if none does, or it does not say yet.
    func process(of name: VMName) -> Int32? {
        guard (try? FileLock.isHeld("\(path)/\(name)/\(RunFiles.lock)")) == true else { return nil }
        return process(name.description)
    }

    private func specification(_ name: String) -> MachineSpec? {
        guard
            let text = RegularFile.contents(of: "\(path)/\(name)/\(RunFiles.specification)", limit: 1 << 20)
        else { return nil }
        return try? MachineSpec(jsonText: text)
    }

    private func process(_ name: String) -> Int32? {
        guard var observer = try? MachineObserver(page: "\(path)/\(name)/\(RunFiles.stats)") else {
            return nil
        }
        return (try? observer.page())?.process
    }
}
