internal import NIOCore

/// Closes a connection that takes nothing of what it asked for: what waits to be sent to it, and what that is made of,
/// would else be kept for as long as it likes. The idle time of the connection does not see that, for it begins anew
/// with everything the other end sends.
final class SendingTimeout: ChannelInboundHandler {
    typealias InboundIn = Any

    private let limit: TimeAmount
    private var timer: Scheduled<Void>?

    init(_ limit: TimeAmount) {
        self.limit = limit
    }

    /// Above the watermark: the connection must come below it in time.
    func channelWritabilityChanged(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        if !context.channel.isWritable {
            let channel = context.channel
            timer = context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
        }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }
}
