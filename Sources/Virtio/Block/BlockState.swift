internal import Devices
internal import Glibc
internal import HostSystem
internal import Stages
internal import Stats

/// All of a block device that changes; reached with the device's lock held.
struct BlockState: ~Copyable {
    /// The most requests a turn takes, so that other devices of the loop get theirs.
    private static let batch = 64

    // In this order they end: the engine's threads before the files they use.
    let engine: FileEngine
    let image: DiskImage
    let id: String
    var slots: BlockSlots
    let limits: BlockLimits
    let counters: BlockCounters
    let environment: DeviceEnvironment

    /// What the driver reads.
    private(set) var configuration: ConfigurationSpace
    /// A turn when this is signalled.
    var turns: EventRegistration?
    var isPaused = false
    /// Whether a write is only done when it is on the medium.
    private(set) var isWriteThrough: Bool
    private var queue: VirtQueue?
    private(set) var features: FeatureSet = []
    private let isAlwaysWriteThrough: Bool

    private var limiter = RateLimiter()
    private(set) var rates = BlockRates()
    private let timer: TimerDescriptor
    /// The request that waits for a limit; none is taken meanwhile.
    private var held: Int?

    // What the file turned out not to be able to.
    var canReadCached: Bool
    var canPunchHoles: Bool
    var canZeroRanges = true
    /// Counts requests that changed the file, as they are done. What was before counts as one: nobody knows
    /// whether it is on the medium.
    var changes: UInt64 = 1
    /// The changes that are on the medium: a flush of no others has nothing to do.
    var mediumChanges: UInt64 = 0
    /// The time of this turn, in nanoseconds.
    private var now: UInt64 = 0

    init(
        _ image: consuming DiskImage, _ engine: consuming FileEngine, _ timer: consuming TimerDescriptor,
        _ settings: BlockSettings, _ environment: DeviceEnvironment, _ counters: BlockCounters
    ) {
        let shape = image.shape
        id = settings.id
        limits = BlockLimits(capacity: shape.size / BlockLimits.sectorSize)
        configuration = BlockConfiguration.make(shape, settings)
        canPunchHoles = shape.canPunchHoles
        canReadCached = shape.directAlignment == nil
        isAlwaysWriteThrough = settings.isWriteThrough
        isWriteThrough = settings.isWriteThrough
        slots = BlockSlots(count: Int(settings.queueSize))
        self.image = image
        self.engine = engine
        self.timer = timer
        self.environment = environment
        self.counters = counters
        setRates(settings.rates)
    }
}

// What comes from virtual CPUs and from people.
extension BlockState {
    mutating func activate(_ queue: consuming VirtQueue?, _ features: FeatureSet) {
        self.queue = queue
        self.features = features
        // A driver that cannot flush counts on every write (virtio 1.2, 5.2.5.2).
        isWriteThrough = isAlwaysWriteThrough || !features.contains(.blockFlush)
        configuration.set(UInt8(isWriteThrough ? 0 : 1), at: BlockConfiguration.writeback)
    }

    mutating func writeConfiguration(_ offset: UInt64, _ width: AccessWidth, _ value: UInt64) {
        guard features.contains(.blockCacheMode) else { return }
        let place = BlockConfiguration.writeback
        configuration.write(offset: offset, width: width, value: value, writable: place..<place + 1)
        let isWriteback = configuration.get(UInt8.self, at: place) != 0
        configuration.set(UInt8(isWriteback ? 1 : 0), at: place)
        isWriteThrough = !isWriteback
    }

    /// Waits for what is under way and gives it back.
    mutating func pause() {
        isPaused = true
        drain()
        queue?.signal()
    }

    /// Waits for what is under way and drops it, with the queue.
    mutating func reset() {
        queue = nil
        drain()
        if let held = held.take() { slots.giveBack(held) }
        features = []
        isWriteThrough = isAlwaysWriteThrough
        configuration.set(UInt8(isWriteThrough ? 0 : 1), at: BlockConfiguration.writeback)
        counters.inFlight.set(0)
    }

    private mutating func drain() {
        let waiting = held == nil ? 0 : 1
        while slots.usedCount > waiting {
            engine.wait()
            finishCompleted()
        }
    }

    mutating func setRates(_ rates: BlockRates) {
        self.rates = rates
        let now = HostClock.monotonicNanoseconds()
        limiter = RateLimiter(
            bytes: rates.bytesPerSecond.map { TokenBucket(rate: $0, burst: rates.burstBytes, at: now) },
            operations: rates.operationsPerSecond.map {
                TokenBucket(rate: $0, burst: rates.burstOperations, at: now)
            })
    }
}

// A turn of the event loop.
extension BlockState {
    /// Gives back what is done and takes what is new.
    ///
    /// - Returns: whether there is more to take, for another turn.
    mutating func turn() -> Bool {
        now = HostClock.monotonicNanoseconds()
        finishCompleted()
        guard !isPaused else { return false }
        do throws(QueueError) {
            return try take()
        } catch {
            // Without its queue the device is quiet until the reset.
            queue = nil
            environment.signals.fail(error)
            return false
        }
    }

    private mutating func take() throws(QueueError) -> Bool {
        var left = Self.batch
        if let held, !launchIfAllowed(held) { left = 0 }
        while true {
            queue?.disableNotification()
            var isEmpty = false
            while left > 0, !isEmpty, held == nil, slots.freeCount > 0 {
                isEmpty = try !takeOne()
                left -= 1
            }
            engine.submit()
            finishCompleted()
            // What is done may have begun the next part of its request.
            engine.submit()
            queue?.signal()
            counters.inFlight.set(UInt64(slots.usedCount))
            // The timer, or a completion, begins the next turn.
            if held != nil || slots.freeCount == 0 { return false }
            if !isEmpty { return true }
            guard try queue?.enableNotification() == true else { return false }
        }
    }

    /// - Returns: false if there was none.
    private mutating func takeOne() throws(QueueError) -> Bool {
        let index = slots.take()
        do throws(QueueError) {
            guard try queue?.pop(into: &slots[index].chain) == true else {
                slots.giveBack(index)
                return false
            }
            try slots[index].parse(limits, features, isReadOnly: image.isReadOnly)
        } catch {
            slots.giveBack(index)
            throw error
        }
        slots[index].start = now
        _ = launchIfAllowed(index)
        return true
    }

    /// Begins with a request if the limits let it, else sets the timer.
    private mutating func launchIfAllowed(_ index: Int) -> Bool {
        guard limiter.isLimiting else {
            held = nil
            launch(index)
            return true
        }
        let answer = limiter.take(bytes: slots[index].countedBytes, at: HostClock.monotonicNanoseconds())
        switch answer {
        case .granted:
            held = nil
            launch(index)
            return true
        case .notBefore(let time):
            timer.set(afterNanoseconds: time &- min(time, HostClock.monotonicNanoseconds()))
        case .never:
            break
        }
        if held == nil { counters.throttled.add() }
        held = index
        return false
    }

    /// Takes completions, until there are no more.
    private mutating func finishCompleted() {
        while let completion = engine.next() {
            let index = Int(truncatingIfNeeded: completion.token)
            if isQueueGone {
                // Nobody waits for it.
                if slots[index].isChange { changes &+= 1 }
                slots.giveBack(index)
            } else {
                proceed(index, completion.result)
            }
        }
    }

    private var isQueueGone: Bool {
        switch queue {
        case .none: true
        case .some: false
        }
    }

    /// Gives a request back to the driver.
    mutating func complete(_ index: Int, _ status: BlockStatus) {
        if status != .ok {
            counters.errors.add()
            // Not what was in the guest's buffer before, which it might take for the disk's.
            if slots[index].isRead { slots[index].chain.fillRest(0) }
        }
        if slots[index].isChange { changes &+= 1 }
        slots[index].status?.fill(status.rawValue)
        let rest = slots[index].chain.writableBytes
        // From the first byte on, without gaps (virtio 1.2, 2.7.8.2): the status counts if all before it does.
        let written = slots[index].room - rest + (rest == 0 ? 1 : 0)
        queue?.push(slots[index].chain.head, written: written)
        counters.latency.record(HostClock.monotonicNanoseconds() &- slots[index].start)
        slots.giveBack(index)
    }
}
