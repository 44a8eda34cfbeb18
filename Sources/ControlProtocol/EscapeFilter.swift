/// Watches what a person types for the escape key, as screen and QEMU do: the key, then a letter.
///
/// Pure: bytes in, bytes for the guest and commands out.
public struct EscapeFilter: Sendable {
    /// What a person can ask for behind the escape key.
    public enum Command: Equatable, Sendable {
        /// `x`: stop the machine.
        case quit
        /// `c` or anything unknown: show what there is.
        case menu
        /// `d`: leave an attached console.
        case detach
        /// `s`: type the terminal's size to the guest, which a serial line cannot tell otherwise.
        case tellSize
    }

    /// The escape key's control code, 1 for Ctrl-A; nil switches it off.
    private let key: UInt8?
    private var isEscaped = false

    /// - Parameter key: the escape key's control code, 1 for Ctrl-A; nil for no such key.
    public init(key: UInt8?) {
        self.key = key
    }

    /// What `Command.menu` shows.
    ///
    /// - Parameter isAttached: whether one can leave without stopping the machine.
    public static func menu(key: String, isAttached: Bool = false) -> String {
        "\(key) then \(isAttached ? "d: detach; " : "")x: stop the machine; s: tell the guest's shell the terminal's size; \(key): type it; c: this"
    }

    /// Takes typed bytes; answers those for the guest and calls `command` for each command, in order.
    public mutating func filter(_ typed: [UInt8], command: (Command) -> Void) -> [UInt8] {
        guard let key else { return typed }
        var forGuest: [UInt8] = []
        for byte in typed {
            guard isEscaped else {
                if byte == key { isEscaped = true } else { forGuest.append(byte) }
                continue
            }
            isEscaped = false
            switch byte {
            case key, key | 0x60: forGuest.append(key)
            case UInt8(ascii: "x"), UInt8(ascii: "x") & 0x1F: command(.quit)
            case UInt8(ascii: "d"), UInt8(ascii: "d") & 0x1F: command(.detach)
            case UInt8(ascii: "s"): command(.tellSize)
            default: command(.menu)
            }
        }
        return forGuest
    }
}
