/// When a serial port says that it takes bytes, given how its output drains.
///
/// With room for a whole transmit FIFO it is ready: a driver that sees THRE writes sixteen bytes
/// without looking again. With less it is not, and a driver that heeds that loses nothing. But a
/// reader that does not read must not hang a guest: after 100 ms without progress the port is ready
/// all the same, and what does not fit is dropped until the reader moves.
struct OutputFlow: Sendable {
    /// What a driver may write after seeing the port ready once.
    static let burst = 16
    /// How long a full ring may stand still, in nanoseconds.
    static let stallLimit: UInt64 = 100_000_000

    private var blockedSince: UInt64?
    private var drainedThen: UInt64 = 0

    /// Decides, with the room in bytes and the bytes ever drained. Asks for the time, in nanoseconds
    /// from anywhere, only when there is no room.
    mutating func isReady(free: Int, drained: UInt64, now: () -> UInt64) -> Bool {
        guard free < Self.burst else {
            blockedSince = nil
            return true
        }
        let time = now()
        guard let since = blockedSince, drained == drainedThen, time >= since else {
            blockedSince = time
            drainedThen = drained
            return false
        }
        return time - since >= Self.stallLimit
    }

    /// When the port becomes ready if the reader does not move before, or nil if it has room.
    var deadline: UInt64? { blockedSince.map { $0 &+ Self.stallLimit } }
}
