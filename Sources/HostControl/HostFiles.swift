internal import HostSystem
internal import Glibc

/// Where the kernel's files are. Another place than the usual one is for tests of broken hosts.
public struct HostFiles: Sendable, Equatable {
    /// The mount point of proc(5).
    public var processes: String

    /// The usual place, `/proc`, or another.
    public init(processes: String = "/proc") {
        self.processes = processes
    }

    /// A small file whole, as text.
    func text(_ path: String) throws(SystemError) -> String {
        let file = try OwnedDescriptor.open(path, O_RDONLY)
        return String(
            decoding: try DescriptorIO.readAll(file.number, limit: 1 << 20, operation: "read \(path)"),
            as: UTF8.self)
    }

    /// The same, below proc.
    func processText(_ name: String) throws(SystemError) -> String {
        try text("\(processes)/\(name)")
    }
}
