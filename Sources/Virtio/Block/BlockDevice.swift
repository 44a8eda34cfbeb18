public import Devices
public import HostSystem
internal import Stats

/// The block device (virtio 1.2, 5.2): a raw image or a block device of the host.
///
/// Its event loop takes requests in batches; what the host's memory has is read at once, all else goes
/// through a `FileEngine`, whose completions the same loop hears.
public final class BlockDevice: VirtioDevice {
    /// What it counts.
    public let counters: BlockCounters
    /// Its name, unique in the machine.
    public let name: String
    /// The image's path.
    public let path: String
    /// Its size in bytes.
    public let size: UInt64
    /// The engine it got: `uring` or `threads`.
    public let engineName: String
    /// What it offers of its own.
    public let features: FeatureSet
    /// requestq.
    public let queueSizes: [UInt16]

    private let core: BlockCore
    /// A turn whenever this is signalled.
    private let turns: EventRegistration
    private let completions: EventRegistration
    private let timer: EventRegistration

    /// An idle device.
    ///
    /// - Throws: if the host lacks what the settings demand, or descriptors.
    public init(
        _ image: consuming DiskImage, _ settings: BlockSettings, _ environment: DeviceEnvironment
    ) throws(SystemError) {
        name = environment.name
        path = image.path
        size = image.size
        let counters = BlockCounters(try environment.section(BlockShape.usual.shape))
        let features = BlockConfiguration.features(image.shape, settings)
        let engine = try FileEngine.make(
            settings.engine, capacity: Int(settings.queueSize), files: image.files)
        engineName = engine.name
        let completionEvent = engine.descriptor
        let timer = try TimerDescriptor()
        let timerEvent = timer.descriptor.number
        let core = BlockCore(
            BlockState(image, engine, timer, settings, environment, counters), environment)
        let loop = environment.loop
        turns = loop.watchSignals { core.turn() }
        completions = try loop.watch(completionEvent, for: [.readable, .edgeTriggered]) { _ in core.turn() }
        self.timer = try loop.watch(timerEvent, for: [.readable, .edgeTriggered]) { _ in core.turn() }
        core.setTurns(turns)
        self.core = core
        self.counters = counters
        self.features = features
        queueSizes = [settings.queueSize]
    }

    deinit {
        for registration in [turns, completions, timer] { core.environment.loop.unwatch(registration) }
        // The kernel must not write to memory that is somebody else's then.
        core.state.withLock { $0.reset() }
    }

    /// Block device.
    public var kind: VirtioDeviceKind { .block }

    /// Capacity, limits and topology (virtio 1.2, 5.2.4).
    public func readConfiguration(offset: UInt64, width: AccessWidth) -> UInt64 {
        core.state.withLock { $0.configuration.read(offset: offset, width: width) }
    }

    /// The one thing a driver may set is whether there is a write-back cache.
    public func writeConfiguration(offset: UInt64, width: AccessWidth, value: UInt64) {
        core.state.withLock { $0.writeConfiguration(offset, width, value) }
    }

    /// Takes the queue.
    public func activate(_ queues: consuming QueueSet, features: FeatureSet) {
        var queue = queues.take(0)
        core.state.withLock { $0.activate(queue.take(), features) }
    }

    /// For people: its limits can be changed.
    public var control: (any DeviceControl)? { BlockDeviceControl(self) }

    /// Takes requests, and gives back what is done.
    public func queueNotified(_ index: Int) {
        core.turn()
    }

    /// Waits for the disk, gives back what is done, and takes no more until `resume`.
    public func pause() {
        core.state.withLock { $0.pause() }
    }

    /// Goes on.
    public func resume() {
        core.state.withLock { $0.isPaused = false }
        core.environment.loop.signal(turns)
    }

    /// Waits for the disk and forgets the queue.
    public func reset() {
        core.state.withLock { $0.reset() }
    }

    /// Waits for the disk and lets others have the image: the kernel would take its time.
    public func close() {
        core.state.withLock { state in
            state.reset()
            state.image.unlock()
        }
    }

    /// Changes how fast it may be, from the next request on. From any thread.
    public func setRates(_ rates: BlockRates) {
        core.state.withLock { $0.setRates(rates) }
        core.environment.loop.signal(turns)
    }

    /// How fast it may be now.
    public var rates: BlockRates { core.state.withLock { $0.rates } }
}

/// What the device and its handlers on the loop share.
private final class BlockCore: Sendable {
    let state: Guarded<BlockState>
    let environment: DeviceEnvironment

    init(_ state: consuming sending BlockState, _ environment: DeviceEnvironment) {
        self.state = Guarded(state)
        self.environment = environment
    }

    func setTurns(_ registration: EventRegistration) {
        state.withLock { $0.turns = registration }
    }

    func turn() {
        let again = state.withLock { $0.turn() ? $0.turns : nil }
        if let again { environment.loop.signal(again) }
    }
}
