internal import CLinux
internal import Glibc

/// The signals this process takes, by number, as values.
public enum Signal: Int32, Sendable {
    /// The terminal is gone.
    case hangup = 1
    /// Ctrl-C.
    case interrupt = 2
    /// A polite request to end.
    case terminate = 15
    /// The terminal has another size.
    case windowChange = 28

    /// The name people know it by.
    public var name: String {
        switch self {
        case .hangup: "SIGHUP"
        case .interrupt: "SIGINT"
        case .terminate: "SIGTERM"
        case .windowChange: "SIGWINCH"
        }
    }
}

/// Signals as data to read: signalfd(2).
public struct SignalDescriptor: ~Copyable, Sendable {
    /// The descriptor, for waiting on it with others.
    public let descriptor: OwnedDescriptor

    /// Blocks the signals for this thread and those it starts, and opens a descriptor for them.
    public init(_ signals: [Signal]) throws(SystemError) {
        let numbers = signals.map(\.rawValue)
        let result = unsafe numbers.withUnsafeBufferPointer { numbers in
            // SAFETY: pointer and count describe one array, for the length of the calls.
            let blocked = unsafe clinux_block_signals(numbers.baseAddress, Int32(numbers.count))
            return blocked < 0 ? blocked : unsafe clinux_signalfd(numbers.baseAddress, Int32(numbers.count))
        }
        descriptor = OwnedDescriptor(takingOver: try checked(result, "take signals by descriptor"))
    }

    /// The next signal that has arrived, or nil.
    public func next() -> Signal? {
        let number = clinux_next_signal(descriptor.number)
        return number < 0 ? nil : Signal(rawValue: number)
    }
}

/// Process-wide dispositions set once at start.
public enum SignalDispositions {
    /// Prepares `HostThread.kick`, and makes writing to a closed pipe, or past the limit on files' sizes, an
    /// error instead of the end.
    public static func install() throws(SystemError) {
        try checked(clinux_install_kick_handler(), "install a signal handler")
        try checked(clinux_ignore_signal(SIGPIPE), "ignore SIGPIPE")
        try checked(clinux_ignore_signal(SIGXFSZ), "ignore SIGXFSZ")
    }
}
