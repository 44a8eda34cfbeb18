/// One line of the journal of a `CPUPolicy`: what went in, and what came out.
///
/// The text is stable: version, kind, then fields `key=value` in a fixed order, one space between them,
/// values with commas inside, amounts in millionths of a CPU, times in nanoseconds, `-` for none. There
/// is one text for each record, and only that is read.
///
///     1 change add-vm=db,web/frontend,2,normal,500000,-
///     1 observation time=81000000 vm=db,1000000,400000,0,0
///     1 decision sequence=4 time=81000000 capacity=2000000 met=yes vm=db,400000,400000,1500000
public enum JournalRecord: Sendable, Equatable {
    /// All of a policy, so that a replay can start here.
    case checkpoint(CPUPolicy)
    /// A change that was made.
    case change(TreeChange)
    /// The host has another capacity.
    case capacity(CPUAmount)
    /// What was observed.
    case observation(Observation)
    /// What was decided upon the observation before.
    case decision(Decision)

    /// The version that is written, and the only one that is read.
    public static let version = "1"
    /// The longest line that is read, in bytes.
    public static let longestLine = 64 << 20
}

/// Why a line is no record.
public enum JournalError: Error, Equatable, Sendable, CustomStringConvertible {
    /// More than `JournalRecord.longestLine` bytes.
    case tooLong(bytes: Int)
    /// Another version, or no record at all.
    case unknownVersion(String)
    /// There is no such kind of record.
    case unknownKind(String)
    /// A field that should stand there does not.
    case missing(field: String)
    /// A field has a value that it cannot have.
    case invalid(field: String, value: String)
    /// There is more than belongs to the record.
    case unexpected(String)
    /// More VMs or pools than a tree has.
    case tooMany(field: String)
    /// The members of a checkpoint make no tree.
    case contradiction(TreeError)

    /// A sentence with the text at fault.
    public var description: String {
        switch self {
        case .tooLong(let bytes): "the line has \(bytes) bytes, more than \(JournalRecord.longestLine)"
        case .unknownVersion(let text):
            "\(quoted(text)) is no version of a journal that is read here: \(JournalRecord.version)"
        case .unknownKind(let text): "\(quoted(text)) is no kind of record"
        case .missing(let field): "the field '\(field)' is missing"
        case .invalid(let field, let value): "the field '\(field)' cannot be \(quoted(value))"
        case .unexpected(let text): "\(quoted(text)) does not belong there"
        case .tooMany(let field): "there are more than \(ResourceTree.mostMembers) fields '\(field)'"
        case .contradiction(let error): "the checkpoint is no tree: \(error)"
        }
    }
}
