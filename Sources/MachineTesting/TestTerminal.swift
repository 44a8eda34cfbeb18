import Glibc
import HostSystem

/// A pseudo-terminal of a test's own. The test plays the person, a child process the program.
public final class TestTerminal: Sendable {
    private let pair: PseudoTerminal
    /// The program's end, kept open so that the terminal outlives the program.
    private let slave: OwnedDescriptor

    /// A terminal with the settings of a login: lines, echo, signals.
    public init() throws {
        pair = try PseudoTerminal()
        slave = try OwnedDescriptor.open(pair.slavePath, O_RDWR | O_NOCTTY)
        var settings = attributes
        settings.c_iflag = tcflag_t(ICRNL | IXON)
        settings.c_oflag = tcflag_t(OPOST | ONLCR)
        settings.c_lflag = tcflag_t(ISIG | ICANON | ECHO | ECHOE | ECHOK | IEXTEN)
        // SAFETY: the structure is ours.
        guard unsafe tcsetattr(slave.number, TCSANOW, &settings) == 0 else {
            throw TestFailure("no terminal: errno \(errno)")
        }
    }

    /// The person's end, non-blocking.
    var master: Int32 { pair.master.number }

    /// The path of the program's end.
    public var path: String { pair.slavePath }

    /// Every setting, as text to compare, in the order of `struct termios`.
    public var settings: String {
        let settings = attributes
        return
            "\(settings.c_iflag) \(settings.c_oflag) \(settings.c_cflag) \(settings.c_lflag) \(settings.c_cc)"
    }

    /// Whether keys reach the program one by one, unechoed, Ctrl-C included.
    public var isRaw: Bool {
        attributes.c_lflag & tcflag_t(ICANON | ECHO | ISIG) == 0
    }

    /// Sets its size, as a terminal emulator does.
    public func resize(columns: UInt16, rows: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        // SAFETY: TIOCSWINSZ takes this structure.
        _ = unsafe ioctl(slave.number, UInt(TIOCSWINSZ), &size)
    }

    private var attributes: termios {
        var settings = termios()
        // SAFETY: the structure is ours.
        _ = unsafe tcgetattr(slave.number, &settings)
        return settings
    }
}
