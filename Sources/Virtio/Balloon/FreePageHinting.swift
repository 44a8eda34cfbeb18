/// The conversation about free pages (virtio 1.2, 5.5.6.5): the device names a command, the driver answers
/// with its number, pages, and a stop; then the device lets it use the pages again.
///
/// A pure value. The numbers 0 and 1 are no commands.
struct FreePageHinting {
    /// The driver has no more pages; in the configuration, that it shall stop and keep what it told.
    static let stop: UInt32 = 0
    /// The driver may use the pages again.
    static let done: UInt32 = 1

    private enum Stage {
        case idle
        /// The command stands in the configuration.
        case requested
        /// The driver has answered with its number: what it tells is meant.
        case running
    }

    private var stage = Stage.idle
    private var lastCommand: UInt32 = 1

    /// `free_page_hint_cmd_id` of the configuration.
    private(set) var command: UInt32 = stop

    /// Whether pages the driver tells now may be discarded.
    var takesPages: Bool { stage == .running }

    /// Whether the device waits for the driver to come to an end.
    var isActive: Bool { stage != .idle }

    /// Asks for free pages, with a number never used since the last reset but 2^32 times ago.
    mutating func start() {
        lastCommand = lastCommand == .max ? 2 : lastCommand + 1
        command = lastCommand
        stage = .requested
    }

    /// Wants no more pages, and lets the driver use what it told.
    mutating func finish() {
        command = Self.done
        stage = .idle
    }

    /// The driver sent a number.
    ///
    /// - Returns: true if the conversation is over by that, and the configuration changed.
    mutating func receive(_ number: UInt32) -> Bool {
        if number == Self.stop {
            guard stage == .running else { return false }
            finish()
            return true
        }
        // A number from before is of a command that is void: so are its pages.
        guard stage != .idle else { return false }
        stage = number == command ? .running : .requested
        return false
    }

    /// The driver is gone. Numbers go on: an old driver's answer is never taken for a new one's.
    mutating func reset() {
        command = Self.stop
        stage = .idle
    }
}
