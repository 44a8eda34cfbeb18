/// Where the guest's first serial port goes.
public enum ConsoleSpec: Equatable, Sendable, CustomStringConvertible {
    /// Standard input and output; a terminal is put into raw mode.
    case stdio
    /// Nowhere: output is dropped, input never comes.
    case none
    /// Output goes to a file, which is created or emptied; input never comes.
    case file(path: String)
    /// A new pseudo-terminal, whose path is printed.
    case pty
    /// Sockets and a log in the run directory, for `roost attach` and `roost logs`.
    case socket

    private static let filePrefix = "file="

    /// Reads `stdio`, `none`, `file=PATH`, `pty` or `socket`; nil for anything else.
    public init?(_ text: String) {
        switch text {
        case "stdio": self = .stdio
        case "none": self = .none
        case "pty": self = .pty
        case "socket": self = .socket
        case _ where text.hasPrefix(Self.filePrefix) && text.utf8.count > Self.filePrefix.utf8.count:
            self = .file(path: String(text.dropFirst(Self.filePrefix.count)))
        default: return nil
        }
    }

    /// The text that `init(_:)` reads.
    public var description: String {
        switch self {
        case .stdio: "stdio"
        case .none: "none"
        case .file(let path): Self.filePrefix + path
        case .pty: "pty"
        case .socket: "socket"
        }
    }

    /// What a console looks like, for messages.
    public static let form = "stdio, none, file=PATH, pty or socket"
}

/// The key that the console takes for itself on a terminal: Control and a letter, or no key.
public enum EscapeKey: Equatable, Sendable, CustomStringConvertible {
    /// Control with this letter, `a` to `z`.
    case control(Character)
    /// Every key goes to the guest.
    case none

    /// Control-A.
    public static let standard = EscapeKey.control("a")

    /// Reads `ctrl-a` to `ctrl-z` or `none`, in either case; nil for anything else.
    public init?(_ text: String) {
        let text = text.lowercased()
        if text == "none" {
            self = .none
            return
        }
        guard text.hasPrefix("ctrl-"), text.utf8.count == 6,
            let letter = text.last, ("a"..."z").contains(letter)
        else { return nil }
        self = .control(letter)
    }

    /// The byte the key sends, 1 for Control-A to 26 for Control-Z; nil for no key.
    public var byte: UInt8? {
        guard case .control(let letter) = self, let value = letter.asciiValue else { return nil }
        return value & 0x1F
    }

    /// The text that `init(_:)` reads.
    public var description: String {
        switch self {
        case .control(let letter): "ctrl-\(letter)"
        case .none: "none"
        }
    }

    /// What a key looks like, for messages.
    public static let form = "ctrl-a to ctrl-z or none"
}
