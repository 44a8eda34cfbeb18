internal import CLinux
internal import Glibc

/// A terminal's size in characters.
public struct TerminalSize: Equatable, Sendable {
    /// Characters a line.
    public var columns: UInt16
    /// Lines.
    public var rows: UInt16

    /// A size as given.
    public init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }
}

/// The terminal a person sits at.
public enum Terminal {
    /// Whether the descriptor is a terminal.
    public static func isTerminal(_ descriptor: Int32) -> Bool {
        isatty(descriptor) == 1
    }

    /// Gives every key to the program, until `restore`, the end of the process by any way but SIGKILL,
    /// or a crash. One terminal a process.
    public static func makeRaw(_ descriptor: Int32) throws(SystemError) {
        try checked(clinux_terminal_make_raw(descriptor), "set the terminal to raw mode")
    }

    /// Puts the terminal back as `makeRaw` found it. Harmless if it was never called, or twice.
    public static func restore() {
        clinux_terminal_restore()
    }

    /// The size now, or nil if the descriptor is no terminal.
    public static func size(_ descriptor: Int32) -> TerminalSize? {
        var size = TerminalSize(columns: 0, rows: 0)
        // SAFETY: two 16-bit integers to write to.
        guard unsafe clinux_terminal_size(descriptor, &size.columns, &size.rows) == 0 else { return nil }
        return size
    }

    /// How many bytes the other end has written that nobody has read from this one.
    public static func unreadBytes(_ descriptor: Int32) -> Int {
        var count: Int32 = 0
        // SAFETY: FIONREAD writes an int.
        return unsafe ioctl(descriptor, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
    }
}

/// Both ends of a pseudo-terminal: the program's, and the path people open.
public struct PseudoTerminal: ~Copyable, Sendable {
    /// The program's end, non-blocking.
    public let master: OwnedDescriptor
    /// The path of the people's end, `/dev/pts/N`.
    public let slavePath: String

    /// A new pseudo-terminal.
    public init() throws(SystemError) {
        var path = [CChar](repeating: 0, count: 128)
        let result = unsafe path.withUnsafeMutableBufferPointer { buffer in
            // SAFETY: pointer and count describe one buffer.
            unsafe clinux_open_pseudo_terminal(buffer.baseAddress, buffer.count)
        }
        let master = OwnedDescriptor(takingOver: try checked(result, "open a pseudo-terminal"))
        let bytes = path.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        self.master = master
        slavePath = String(decoding: bytes, as: UTF8.self)
    }

    /// The program's end alone.
    public consuming func intoMaster() -> OwnedDescriptor { master }
}
