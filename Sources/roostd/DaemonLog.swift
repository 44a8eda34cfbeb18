internal import Glibc
internal import HostSystem
internal import ManagerProtocol

/// What a manager in the background has to say: standard error, in a file of the run directory. It is only written at
/// its end, by one manager after the other, and begun anew at a size, with what was before beside it.
struct DaemonLog: Sendable {
    /// Bytes at which the file is begun anew: some thousand machines' ends.
    private static let limit: Int64 = 256 << 10

    private let path: String
    private let oldPath: String

    init(directory: String) {
        path = directory + "/" + ManagerFiles.log
        oldPath = directory + "/" + ManagerFiles.oldLog
    }

    /// Makes the file standard error.
    func open() throws(SystemError) {
        if isFull { try FileTree.rename(path, to: oldPath) }
        try HostProcess.replaceStandardError(by: OwnedDescriptor.open(path, O_WRONLY | O_CREAT | O_APPEND))
    }

    /// Begins it anew if it is full. Before each line.
    func makeRoom() {
        guard isFull else { return }
        do throws(SystemError) { try open() } catch {
            // Then it grows: better than to lose what is said.
            DescriptorIO.writeToStandardError("roostd: \(error)\n")
        }
    }

    private var isFull: Bool { FileStamp(of: path).map { $0.size >= Self.limit } ?? false }
}
