/// Watches what a person types for the escape key, as screen and QEMU do: the key, then a letter.
///
/// Pure: bytes in, bytes for the guest and commands out.
struct EscapeFilter {
    /// What a person can ask for behind the escape key.
    enum Command: Equatable {
        /// `x`: stop the machine.
        case quit
        /// `c` or anything unknown: show what there is.
        case menu
        /// `s`: type the terminal's size to the guest, which a serial line cannot tell otherwise.
        case tellSize
    }

    /// The escape key's control code, 1 for Ctrl-A; nil switches it off.
    private let key: UInt8?
    private var isEscaped = false

    init(key: UInt8?) {
        self.key = key
    }

    /// Takes typed bytes; answers those for the guest and calls `command` for each command, in order.
    mutating func filter(_ typed: [UInt8], command: (Command) -> Void) -> [UInt8] {
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
            case UInt8(ascii: "s"): command(.tellSize)
            default: command(.menu)
            }
        }
        return forGuest
    }
}
