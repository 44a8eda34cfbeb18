public import HostSystem

/// Why something of the host cannot be controlled or read.
public enum HostControlError: Error, Equatable, CustomStringConvertible {
    /// A call failed.
    case system(SystemError)
    /// A machine's group was removed by somebody while it was in use: adopt the machine again.
    case vanished(group: String)
    /// The machine's process or thread has ended.
    case ended(SystemError)
    /// A file of the kernel's holds what nobody expects there.
    case unknownForm(path: String, text: String)
    /// The mechanism has no such setting.
    case unsupported(setting: String, mechanism: CPUMechanism)
    /// A value is outside the mechanism's range.
    case outOfRange(setting: String, value: Int, range: ClosedRange<Int>)
    /// A name of a machine that cannot name a directory.
    case badName(String)

    /// One sentence for people.
    public var description: String {
        switch self {
        case .system(let error): error.description
        case .vanished(let group):
            "the control group \(group) was removed while its machine runs; it will be made again"
        case .ended(let error): error.description
        case .unknownForm(let path, let text): "cannot understand \(path): it says \"\(text)\""
        case .unsupported(let setting, let mechanism):
            "no \(setting) can be set by \(mechanism); \(Self.remedy)"
        case .outOfRange(let setting, let value, let range):
            "a \(setting) of \(value) is not from \(range.lowerBound) to \(range.upperBound)"
        case .badName(let name): "a machine named \"\(name)\" cannot have a control group"
        }
    }

    /// How to have a better mechanism.
    static let remedy = "run roostd as root, or by a systemd unit with Delegate=cpu"

    /// What a failed call on a file of a group means.
    static func of(_ error: SystemError, group: String) -> HostControlError {
        switch error.number {
        // kernfs answers ENODEV for open files of a removed directory, ENOENT for its path.
        case ErrorNumber.noDevice, ErrorNumber.noEntry: .vanished(group: group)
        case ErrorNumber.noProcess: .ended(error)
        default: .system(error)
        }
    }
}
