internal import HostSystem

/// Finds the threads of virtual CPUs by their names, `vcpu0` and so on.
enum VCPUThreads {
    /// A virtual CPU's number and its thread's.
    struct Found: Equatable {
        let number: Int
        let thread: Int32
    }

    /// Those of a process there are now, by number.
    static func find(of process: Int32, _ files: HostFiles) throws(HostControlError) -> [Found] {
        let tasks = "\(files.processes)/\(process)/task"
        let names: [String]
        do throws(SystemError) {
            names = try FileTree.names(in: tasks)
        } catch {
            throw .ended(error)
        }
        var found: [Found] = []
        for name in names {
            // A thread that ended meanwhile is none.
            guard let thread = Int32(name), let title = try? files.text("\(tasks)/\(name)/comm"),
                let number = number(ofThreadNamed: title)
            else { continue }
            found.append(Found(number: number, thread: thread))
        }
        return found.sorted { $0.number < $1.number }
    }

    /// `vcpu12` and a new line: 12.
    static func number(ofThreadNamed title: String) -> Int? {
        let prefix = "vcpu"
        let digits = title.hasSuffix("\n") ? title.dropLast() : title[...]
        guard digits.hasPrefix(prefix), digits.count > prefix.count,
            digits.dropFirst(prefix.count).allSatisfy({ $0.isASCII && $0.isNumber })
        else { return nil }
        return Int(digits.dropFirst(prefix.count))
    }
}
