internal import Glibc
internal import HostSystem
internal import Stages
internal import Stats

/// The guest's frames on their way to the tap (virtio 1.2, 5.1.6.2): written out of the guest's memory as
/// they are, header included, which the kernel checks. A frame that must wait stays in the guest's queue.
struct NetworkSender: ~Copyable {
    var queue: VirtQueue?
    var limit = RateLimiter()
    /// Whether the tap was full: it says when there is room.
    private(set) var isBlocked = false
    private var chain = DescriptorChain()

    /// Forgets the queue.
    mutating func reset() {
        queue = nil
    }

    /// Gives the tap what the guest has made available.
    ///
    /// - Parameter tapIsLost: then frames go nowhere.
    mutating func turn(
        _ tap: borrowing TapInterface, tapIsLost: Bool, _ around: borrowing NetworkSurroundings
    ) throws(QueueError) -> NetworkTurn {
        guard var queue = queue.take() else { return .idle }
        let end = try turn(&queue, tap, tapIsLost, around)
        queue.signal()
        self.queue = consume queue
        return end
    }

    private mutating func turn(
        _ queue: inout VirtQueue, _ tap: borrowing TapInterface, _ tapIsLost: Bool,
        _ around: borrowing NetworkSurroundings
    ) throws(QueueError) -> NetworkTurn {
        var frames = 0
        var bytes = 0
        isBlocked = false
        queue.disableNotification()
        while true {
            if frames == NetworkTurn.frames || bytes >= NetworkTurn.bytes { return .more }
            guard try queue.pop(into: &chain) else {
                guard try queue.enableNotification() else { return .idle }
                queue.disableNotification()
                continue
            }
            let size = chain.readableBytes
            if let end = delay(around) {
                queue.undoPop()
                return end
            }
            let result = tapIsLost ? -Int(EBADFD) : write(size, to: tap)
            if result == -Int(EAGAIN) {
                queue.undoPop()
                isBlocked = true
                around.counters.sendBlocked.add()
                return .idle
            }
            queue.push(chain.head, written: 0)
            frames += 1
            bytes += size
            guard result < 0 else {
                around.counters.sentFrames.add()
                around.counters.sentBytes.add(UInt64(clamping: size - NetworkFrame.headerSize))
                // The time is that of the question before: it was granted.
                if limit.isLimiting {
                    _ = limit.take(bytes: UInt64(clamping: size - NetworkFrame.headerSize), at: 0)
                }
                continue
            }
            switch Int32(truncatingIfNeeded: -result) {
            case EINVAL, EMSGSIZE, EFAULT: around.counters.sendRefused.add()
            case EBADFD where !tapIsLost:
                around.counters.sendDropped.add()
                return .tapLost
            default: around.counters.sendDropped.add()
            }
        }
    }

    private func write(_ size: Int, to tap: borrowing TapInterface) -> Int {
        // The kernel would look for memory for what is too long.
        guard size > NetworkFrame.headerSize, size <= NetworkFrame.largest else { return -Int(EMSGSIZE) }
        // SAFETY: the segments are guest memory that was checked, and the chain does not change meanwhile.
        let segments = unsafe chain.unsafeReadable
        guard let start = segments.baseAddress else { return -Int(EINVAL) }
        // SAFETY: as above. More segments than the kernel takes are an error it tells.
        return unsafe tap.write(start, count: segments.count)
    }

    /// What the limits say, if they say wait.
    private mutating func delay(_ around: borrowing NetworkSurroundings) -> NetworkTurn? {
        guard limit.isLimiting else { return nil }
        switch limit.take(bytes: 0, operations: 0, at: HostClock.monotonicNanoseconds()) {
        case .granted: return nil
        case .notBefore(let time):
            around.counters.sendThrottled.add()
            return .until(time)
        case .never: return .until(.max)
        }
    }
}
