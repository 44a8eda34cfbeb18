internal import Glibc
internal import HostSystem
internal import Stages
internal import Stats

/// The tap's frames on their way to the guest (virtio 1.2, 5.1.6.3).
///
/// The kernel copies a frame from the tap into the guest's buffers, and nobody copies it again, as long as
/// the guest has buffers for the longest frame there may be. If it has less, the frame goes by a buffer of
/// the host's: it may be short enough, and if not it waits there for more buffers.
struct NetworkReceiver: ~Copyable {
    var queue: VirtQueue?
    var limit = RateLimiter()
    private var pool = ReceivePool()
    private var chain = DescriptorChain()
    /// A frame that could not go straight into the guest; empty of pages until then.
    private var spare: [UInt8] = []
    /// How many bytes of `spare` wait for buffers.
    private var waiting = 0

    /// The kernel takes no more segments at once (IOV_MAX), one of them being the overflow's.
    private static let mostSegments = 1023

    /// Forgets queue and frame.
    mutating func reset() {
        queue = nil
        pool.removeAll()
        waiting = 0
    }

    /// Puts the buffers taken ahead back into the queue. A frame that waits goes on waiting.
    mutating func rest() {
        queue?.undoPop(pool.count)
        pool.removeAll()
    }

    /// Gives the guest what is in the tap.
    mutating func turn(
        _ tap: borrowing TapInterface, _ around: borrowing NetworkSurroundings
    ) throws(QueueError) -> NetworkTurn {
        guard var queue = queue.take() else { return .idle }
        // On an error the queue is gone, and the device quiet until the reset.
        let end = try turn(&queue, tap, around)
        queue.signal()
        self.queue = consume queue
        return end
    }

    private mutating func turn(
        _ queue: inout VirtQueue, _ tap: borrowing TapInterface, _ around: borrowing NetworkSurroundings
    ) throws(QueueError) -> NetworkTurn {
        let isMergeable = around.features.contains(.mergeableBuffers)
        var frames = 0
        var bytes = 0
        queue.disableNotification()
        while true {
            if frames == NetworkTurn.frames || bytes >= NetworkTurn.bytes { return .more }
            if let end = delay(around) { return end }
            try gather(&queue, upTo: max(around.longestFrame, waiting), isMergeable)
            if pool.count == 0 || waiting > pool.bytes {
                if waiting > 0, pool.count > 0, !isMergeable || pool.count == Int(queue.size) {
                    // There are no more buffers than these.
                    around.counters.receiveTooLong.add()
                    waiting = 0
                    continue
                }
                guard try queue.enableNotification() else {
                    around.counters.receiveStarved.add()
                    return .idle
                }
                queue.disableNotification()
                continue
            }
            if waiting > 0 {
                // SAFETY: a UInt8 has no padding that could be uninitialised.
                pool.copy(unsafe spare.span.bytes.extracting(first: waiting), at: 0)
                bytes += waiting
                deliver(waiting, &queue, around)
                waiting = 0
            } else {
                let isDirect = pool.bytes >= around.longestFrame && pool.segmentCount <= Self.mostSegments
                let count = isDirect ? readDirectly(tap) : readAside(tap)
                if count == -Int(EAGAIN) { return .idle }
                guard count >= 0 else {
                    around.counters.receiveErrors.add()
                    return tap.isGone ? .tapLost : .idle
                }
                if count > (isDirect ? pool.bytes : NetworkFrame.largest) {
                    around.counters.receiveTooLong.add()
                } else if isDirect {
                    bytes += count
                    deliver(count, &queue, around)
                } else {
                    waiting = count
                    continue
                }
            }
            frames += 1
        }
    }

    /// Reads a frame into the guest's buffers; one that is longer has a byte more than they.
    private mutating func readDirectly(_ tap: borrowing TapInterface) -> Int {
        // SAFETY: the segments are guest memory that was checked, and a byte of the pool's.
        unsafe pool.withSegments { segments, count in unsafe tap.read(segments, count: count) }
    }

    /// Reads a frame into `spare`.
    private mutating func readAside(_ tap: borrowing TapInterface) -> Int {
        if spare.isEmpty { spare = [UInt8](repeating: 0, count: NetworkFrame.largest + 1) }
        return unsafe spare.withUnsafeMutableBytes { buffer in
            var segment = unsafe iovec(iov_base: buffer.baseAddress, iov_len: buffer.count)
            // SAFETY: the segment is `spare`.
            return unsafe tap.read(&segment, count: 1)
        }
    }

    /// Gives the first chains, which hold a frame, to the guest.
    private mutating func deliver(
        _ frame: Int, _ queue: inout VirtQueue, _ around: borrowing NetworkSurroundings
    ) {
        let chains = pool.chains(for: frame)
        // The kernel wrote the ten bytes before this; a guest that knows only one kind of buffer is told 1.
        pool.store(UInt16(truncatingIfNeeded: chains), at: NetworkFrame.bufferCountOffset)
        // 5.1.6.4.1: a driver that has not asked for checksums is told nothing of them.
        if !around.features.contains(.guestChecksum) { pool.store(UInt8(0), at: NetworkFrame.flagsOffset) }
        var left = frame
        for _ in 0..<chains {
            let chain = pool.takeFirst()
            queue.stage(chain.head, written: min(left, chain.bytes))
            left -= chain.bytes
        }
        // All at once: a driver takes a frame that lacks its end for an error.
        queue.publish()
        let length = frame - NetworkFrame.headerSize
        // The time is that of the question before: it was granted.
        if limit.isLimiting { _ = limit.take(bytes: UInt64(clamping: length), at: 0) }
        around.counters.receivedFrames.add()
        around.counters.receivedBytes.add(UInt64(clamping: length))
    }

    /// What the limits say, if they say wait.
    private mutating func delay(_ around: borrowing NetworkSurroundings) -> NetworkTurn? {
        guard limit.isLimiting else { return nil }
        // How much comes is known when it is there: nothing is taken now, and then all of it.
        switch limit.take(bytes: 0, operations: 0, at: HostClock.monotonicNanoseconds()) {
        case .granted: return nil
        case .notBefore(let time):
            around.counters.receiveThrottled.add()
            return .until(time)
        case .never: return .until(.max)
        }
    }

    /// Takes buffers until there is room for a frame, or no buffer more.
    private mutating func gather(
        _ queue: inout VirtQueue, upTo room: Int, _ isMergeable: Bool
    ) throws(QueueError) {
        while isMergeable ? pool.bytes < room : pool.count == 0 {
            guard try queue.pop(into: &chain) else { return }
            guard chain.writableBytes >= NetworkFrame.headerSize else {
                throw .request("has a receive buffer of \(chain.writableBytes) bytes, less than the header")
            }
            pool.append(chain)
        }
    }
}
