public import HostSystem

/// Why a stats page cannot be read.
public enum StatsError: Error, Equatable, CustomStringConvertible {
    /// The file cannot be opened or read, or became shorter meanwhile.
    case file(SystemError)
    /// It is there and not filled in yet: its machine is being made.
    case notReady
    /// It does not begin as a stats page does.
    case notAPage
    /// It is laid out in a way this version does not know.
    case unknownVersion(UInt32)
    /// Its tables contradict themselves; what is wrong.
    case damaged(String)

    /// What is wrong, as a clause that can follow a file's name.
    public var description: String {
        switch self {
        case .file(let error): error.description
        case .notReady: "the machine is only being made"
        case .notAPage: "it is no stats page"
        case .unknownVersion(let version):
            "it has the layout of version \(version), this program knows \(PageFormat.version)"
        case .damaged(let what): "it is damaged: \(what)"
        }
    }
}
