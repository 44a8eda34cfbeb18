/// What a driver asks of its device by the control queue (virtio 1.2, 5.1.6.5).
enum NetworkRequest: Equatable {
    /// To have another address (5.1.6.5.2); in the low 48 bits, the first byte highest.
    case setAddress(UInt64)
    /// To take just these offloads (5.1.6.5.6).
    case setOffloads(FeatureSet)

    private static let addressClass: UInt8 = 1
    private static let addressCommand: UInt8 = 1
    private static let offloadsClass: UInt8 = 5
    private static let offloadsCommand: UInt8 = 0
    private static let accepted: UInt8 = 0
    private static let refused: UInt8 = 1

    /// Answers what stands in the queue. A driver waits for each answer, so that there is hardly ever a second.
    ///
    /// - Parameter carryOut: answers whether that is done.
    /// - Returns: whether there is more.
    static func answer(
        _ queue: inout VirtQueue, _ carryOut: (NetworkRequest) -> Bool
    ) throws(QueueError) -> Bool {
        var chain = DescriptorChain()
        var count: UInt16 = 0
        queue.disableNotification()
        while true {
            if count == queue.size {
                queue.signal()
                return true
            }
            guard try queue.pop(into: &chain) else {
                queue.signal()
                guard try queue.enableNotification() else { return false }
                queue.disableNotification()
                continue
            }
            guard chain.writableBytes >= 1 else { throw .request("has no room for its answer") }
            let isDone = NetworkRequest(&chain).map(carryOut) ?? false
            chain.write(isDone ? accepted : refused)
            queue.push(chain.head, written: 1)
            count += 1
        }
    }

    /// Nil if it is none that we know.
    private init?(_ chain: inout DescriptorChain) {
        guard let kind = chain.read(as: UInt8.self, zero: 0),
            let command = chain.read(as: UInt8.self, zero: 0)
        else { return nil }
        switch (kind, command) {
        case (Self.addressClass, Self.addressCommand):
            guard chain.readableBytes >= 6 else { return nil }
            var address: UInt64 = 0
            for _ in 0..<6 { address = address << 8 | UInt64(chain.read(as: UInt8.self, zero: 0) ?? 0) }
            self = .setAddress(address)
        case (Self.offloadsClass, Self.offloadsCommand):
            guard let offloads = chain.read(as: UInt64.self, zero: 0) else { return nil }
            self = .setOffloads(FeatureSet(rawValue: UInt64(littleEndian: offloads)))
        default: return nil
        }
    }
}
