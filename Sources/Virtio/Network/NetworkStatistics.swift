internal import HostSystem
public import Stats

/// The numbers of a network card's section, `net.ID`. Written with the device's lock held.
public struct NetworkShape: Sendable {
    /// The one there is.
    public static let usual = NetworkShape()
    /// A card's section's name.
    public static func section(_ id: String) -> String { "net.\(id)" }

    /// All of them.
    public let shape: StatsShape
    /// Frames the guest has received.
    public let receivedFrames: StatsSlot
    /// Their bytes, without the virtio header.
    public let receivedBytes: StatsSlot
    /// Frames for the guest that were longer than the buffers it has.
    public let receiveTooLong: StatsSlot
    /// Reads of the tap that failed.
    public let receiveErrors: StatsSlot
    /// How often the guest had no buffer for what may come.
    public let receiveStarved: StatsSlot
    /// How often a limit made what came wait.
    public let receiveThrottled: StatsSlot
    /// Frames the guest has sent.
    public let sentFrames: StatsSlot
    /// Their bytes, without the virtio header.
    public let sentBytes: StatsSlot
    /// Frames of the guest's that are none: too short, too long, or with a header the kernel does not take.
    public let sendRefused: StatsSlot
    /// Frames of the guest's that the tap did not take: it is down, or gone.
    public let sendDropped: StatsSlot
    /// How often the tap was full.
    public let sendBlocked: StatsSlot
    /// How often a limit made what the guest sends wait.
    public let sendThrottled: StatsSlot

    private init() {
        var shape = StatsShape()
        receivedFrames = shape.counter("received-frames")
        receivedBytes = shape.counter("received", .bytes)
        receiveTooLong = shape.counter("receive-too-long")
        receiveErrors = shape.counter("receive-errors")
        receiveStarved = shape.counter("receive-starved")
        receiveThrottled = shape.counter("receive-throttled")
        sentFrames = shape.counter("sent-frames")
        sentBytes = shape.counter("sent", .bytes)
        sendRefused = shape.counter("send-refused")
        sendDropped = shape.counter("send-dropped")
        sendBlocked = shape.counter("send-blocked")
        sendThrottled = shape.counter("send-throttled")
        self.shape = shape
    }
}

/// A network card's cells.
public struct NetworkCounters: Sendable {
    /// As in `NetworkShape`.
    public let receivedFrames, receivedBytes, receiveTooLong, receiveErrors: StatsCell
    /// As in `NetworkShape`.
    public let receiveStarved, receiveThrottled: StatsCell
    /// As in `NetworkShape`.
    public let sentFrames, sentBytes, sendRefused, sendDropped, sendBlocked, sendThrottled: StatsCell

    init(_ section: StatsSection) {
        let shape = NetworkShape.usual
        receivedFrames = section[shape.receivedFrames]
        receivedBytes = section[shape.receivedBytes]
        receiveTooLong = section[shape.receiveTooLong]
        receiveErrors = section[shape.receiveErrors]
        receiveStarved = section[shape.receiveStarved]
        receiveThrottled = section[shape.receiveThrottled]
        sentFrames = section[shape.sentFrames]
        sentBytes = section[shape.sentBytes]
        sendRefused = section[shape.sendRefused]
        sendDropped = section[shape.sendDropped]
        sendBlocked = section[shape.sendBlocked]
        sendThrottled = section[shape.sendThrottled]
    }
}
