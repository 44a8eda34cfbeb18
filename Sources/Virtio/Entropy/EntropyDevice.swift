public import Devices
public import HostSystem
public import Stages

/// The entropy device (virtio 1.2, 5.4): fills buffers with random bytes of a source, so many a second.
///
/// A request waits, untouched in its queue, for the limit, or for a source that has nothing.
public final class EntropyDevice: VirtioDevice {
    let environment: DeviceEnvironment
    private let state: Guarded<EntropyState>
    /// Rings when a request that had to wait may go on.
    private let timer: TimerDescriptor

    /// An idle device.
    ///
    /// - Parameter limit: of bytes; nil for none.
    public init(
        _ environment: DeviceEnvironment, source: consuming EntropySource = .kernel(),
        limit: TokenBucket? = nil
    ) throws(SystemError) {
        self.environment = environment
        timer = try TimerDescriptor()
        let number = source.fileNumber
        let counters = EntropyCounters(try environment.section(EntropyShape.usual.shape))
        state = Guarded(EntropyState(source, limit, counters))
        // Both live as long as the loop does.
        _ = try environment.loop.watch(timer.descriptor.number, for: [.readable, .edgeTriggered]) {
            [weak self] _ in self?.queueNotified(0)
        }
        guard number >= 0 else { return }
        do {
            _ = try environment.loop.watch(number, for: [.readable, .edgeTriggered]) { [weak self] _ in
                self?.queueNotified(0)
            }
            state.withLock { $0.isWatched = true }
        } catch {
            // A file that is always readable; if it has nothing it is at its end.
        }
    }

    /// Entropy source.
    public var kind: VirtioDeviceKind { .entropy }
    /// None of its own.
    public var features: FeatureSet { [] }
    /// requestq.
    public var queueSizes: [UInt16] { [64] }

    /// It has none.
    public func readConfiguration(offset: UInt64, width: AccessWidth) -> UInt64 { 0 }

    /// Takes the queue.
    public func activate(_ queues: consuming QueueSet, features: FeatureSet) {
        var queue = queues.take(0)
        state.withLock { $0.queue = queue.take() }
    }

    /// Fills what is available, as far as the limit and the source go.
    public func queueNotified(_ index: Int) {
        state.withLock { state in
            do throws(QueueError) {
                switch try state.serve(now: HostClock.monotonicNanoseconds()) {
                case .done: timer.disarm()
                case .after(let nanoseconds): timer.set(afterNanoseconds: nanoseconds)
                }
            } catch {
                // Without its queue the device is quiet until the reset.
                environment.signals.fail(error)
            }
            if let trouble = state.takeTrouble() { environment.log.warning(trouble) }
        }
    }

    /// Touches nothing until `resume`.
    public func pause() {
        state.withLock { state in
            state.isPaused = true
            timer.disarm()
        }
    }

    /// Looks at what came meanwhile.
    public func resume() {
        state.withLock { $0.isPaused = false }
        queueNotified(0)
    }

    /// Forgets the queue.
    public func reset() {
        state.withLock { state in
            state.queue = nil
            timer.disarm()
        }
    }

    /// Bytes a second and at once after a rest; nil if there is no limit.
    public var limit: (bytesPerSecond: UInt64, burst: UInt64)? {
        state.withLock { state in state.limit.map { ($0.rate, $0.burst) } }
    }

    /// Bytes given to the guest so far.
    public var givenBytes: UInt64 { state.withLock { $0.givenBytes } }

    /// Changes the limit from now on. Any thread.
    ///
    /// - Parameters:
    ///   - bytesPerSecond: 0 takes the limit away.
    ///   - burst: nil is what `TokenBucket.usualBurst` says.
    public func setLimit(bytesPerSecond: UInt64, burst: UInt64?) {
        let now = HostClock.monotonicNanoseconds()
        state.withLock { state in
            if bytesPerSecond == 0 {
                state.limit = nil
            } else if state.limit == nil {
                state.limit = TokenBucket(rate: bytesPerSecond, burst: burst, at: now)
            } else {
                state.limit?.change(rate: bytesPerSecond, burst: burst, at: now)
            }
            // What waits looks again, on the device's own thread.
            timer.set(afterNanoseconds: 0)
        }
    }
}
