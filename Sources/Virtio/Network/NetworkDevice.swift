public import Devices
public import HostSystem
internal import Stages
internal import Stats

/// What a network device is made with, beside its tap.
public struct NetworkConfiguration: Sendable {
    /// The card's address, in the low 48 bits, the first byte highest.
    public var address: UInt64
    /// The MTU that the guest is told; nil for the tap's.
    public var mtu: UInt16?
    /// Whether checksums and large packets may be left to the other side.
    public var hasOffloads = true
    /// The entries of each queue, a power of two.
    public var queueSize: UInt16 = 256
    /// How much may pass at first.
    public var limits = NetworkLimits()

    /// A card with an address, and everything else usual.
    public init(address: UInt64) {
        self.address = address
    }
}

/// The network device (virtio 1.2, 5.1) on a tap of the host.
///
/// Both ways go by the event loop's thread, in turns of a bounded length. What the guest has no buffer or no
/// tokens for stays in the tap, which drops what is too much; what the tap does not take stays in the
/// guest's queue. A tap that is removed takes the link down: what the guest sends is dropped then.
public final class NetworkDevice: VirtioDevice {
    static let receiveQueue = 0
    static let sendQueue = 1
    static let controlQueueIndex = 2

    struct State: ~Copyable {
        var receiver = NetworkReceiver()
        var sender = NetworkSender()
        var controlQueue: VirtQueue?
        var configuration = ConfigurationSpace(size: 12)
        /// What was negotiated; nothing without a driver.
        var features: FeatureSet = []
        var longestFrame = NetworkFrame.largest
        var limits = NetworkLimits()
        var isPaused = false
        var tapIsLost = false
        /// What has the loop take a turn; set when the device is made.
        var receiveWatch: EventRegistration?
        var sendWatch: EventRegistration?
        var otherWatches: [EventRegistration] = []
    }

    /// What it counts.
    public let counters: NetworkCounters
    let environment: DeviceEnvironment
    let tap: TapInterface
    let state: Guarded<State>
    private let address: UInt64
    private let queueSize: UInt16
    let receiveTimer: TimerDescriptor
    let sendTimer: TimerDescriptor
    /// What it offers.
    public let features: FeatureSet

    /// A device that waits for its driver.
    public init(
        _ environment: DeviceEnvironment, tap: consuming TapInterface, _ configuration: NetworkConfiguration
    ) throws(SystemError) {
        let section = try environment.section(NetworkShape.usual.shape)
        let receiveTimer = try TimerDescriptor()
        let sendTimer = try TimerDescriptor()
        counters = NetworkCounters(section)
        self.environment = environment
        self.receiveTimer = receiveTimer
        self.sendTimer = sendTimer
        address = configuration.address
        queueSize = configuration.queueSize
        features = .network(offloads: configuration.hasOffloads, largeUDP: tap.knowsLargeUDP)
        var first = State()
        first.configuration.set(NetworkConfigurationField.linkUp, at: NetworkConfigurationField.status)
        first.configuration.set(UInt16(1), at: NetworkConfigurationField.queuePairs)
        first.configuration.set(
            configuration.mtu ?? UInt16(clamping: tap.mtu), at: NetworkConfigurationField.mtu)
        first.configuration.setAddress(configuration.address)
        state = Guarded(first)
        self.tap = tap
        setLimits(configuration.limits)
        try watch()
    }

    deinit {
        let watches = state.withLock { [$0.receiveWatch, $0.sendWatch] + $0.otherWatches }
        for case .some(let watch) in watches { environment.loop.unwatch(watch) }
    }

    private func watch() throws(SystemError) {
        let loop = environment.loop
        // Unowned: the device unwatches them before it goes, and it goes when its loop stands.
        let receive = loop.watchSignals { [unowned self] in self.receive() }
        let send = loop.watchSignals { [unowned self] in self.send() }
        state.withLock { state in
            state.receiveWatch = receive
            state.sendWatch = send
        }
        try watch(tap.descriptor, for: [.readable, .writable, .edgeTriggered]) { $0.tapIsReady($1) }
        try watch(receiveTimer.descriptor, for: [.readable, .edgeTriggered]) { device, _ in device.receive() }
        try watch(sendTimer.descriptor, for: [.readable, .edgeTriggered]) { device, _ in device.send() }
    }

    private func watch(
        _ descriptor: borrowing OwnedDescriptor, for interest: EventInterest,
        _ handler: @escaping @Sendable (NetworkDevice, EventInterest) -> Void
    ) throws(SystemError) {
        let watch = try environment.loop.watch(descriptor.number, for: interest) { [unowned self] in
            handler(self, $0)
        }
        state.withLock { $0.otherWatches.append(watch) }
    }

    /// Network card.
    public var kind: VirtioDeviceKind { .network }
    /// receiveq1, transmitq1, controlq.
    public var queueSizes: [UInt16] { [queueSize, queueSize, 64] }

    /// Whether the tap is there. Any thread.
    public var isLinkUp: Bool { state.withLock { !$0.tapIsLost } }
    /// The card's address as the guest sees it. Any thread.
    var currentAddress: String {
        let bytes = state.withLock { state in
            (0..<6).map { state.configuration.get(UInt8.self, at: $0) }
        }
        return bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
    /// It as people control it.
    public var control: (any DeviceControl)? { NetworkDeviceControl(self) }
    /// How much may pass. Any thread.
    public var limits: NetworkLimits { state.withLock { $0.limits } }

    /// Changes how much may pass, from the next frame on. A limit that stays keeps what it has counted.
    public func setLimits(_ limits: NetworkLimits) {
        let now = HostClock.monotonicNanoseconds()
        state.withLock { state in
            let old = state.limits
            state.limits = limits
            if old.receiveBytes != limits.receiveBytes || old.receivePackets != limits.receivePackets {
                state.receiver.limit = limits.receiveLimiter(at: now)
            }
            if old.sendBytes != limits.sendBytes || old.sendPackets != limits.sendPackets {
                state.sender.limit = limits.sendLimiter(at: now)
            }
        }
        wake()
    }

    /// Has both ways looked at by the loop.
    private func wake() {
        let (receive, send) = state.withLock { ($0.receiveWatch, $0.sendWatch) }
        signal(receive)
        signal(send)
    }

    /// Has the loop take a turn.
    func signal(_ watch: EventRegistration?) {
        if let watch { environment.loop.signal(watch) }
    }
}

extension NetworkDevice {
    /// The address as it is now, status, MTU.
    public func readConfiguration(offset: UInt64, width: AccessWidth) -> UInt64 {
        state.withLock { $0.configuration.read(offset: offset, width: width) }
    }

    /// Takes the queues, and what the driver can do.
    public func activate(_ queues: consuming QueueSet, features: FeatureSet) {
        let receive = queues.take(Self.receiveQueue)
        let send = queues.take(Self.sendQueue)
        let control = queues.take(Self.controlQueueIndex)
        var set = DriverQueues(receive: receive, send: send, control: control)
        state.withLock { state in
            state.features = features
            _ = setOffloads(features, &state)
            // What came for nobody, or for a driver that could do more.
            tap.discard(atMost: Self.mostDiscarded)
            state.receiver.queue = set.receive.take()
            state.sender.queue = set.send.take()
            state.controlQueue = set.control.take()
        }
    }

    /// Longer than the queue of any tap that was not set to be longer.
    private static let mostDiscarded = 4096

    /// Has the tap hand over what the driver takes.
    func setOffloads(_ features: FeatureSet, _ state: inout State) -> Bool {
        let offloads = features.tapOffloads
        do {
            if !state.tapIsLost { try tap.setOffloads(offloads) }
        } catch {
            environment.log.warning("\(error)")
            return false
        }
        let mtu = state.configuration.get(UInt16.self, at: NetworkConfigurationField.mtu)
        let isLarge = !offloads.isDisjoint(with: [.tcp4, .tcp6, .udp])
        state.longestFrame = NetworkFrame.longest(mtu: max(Int(mtu), tap.mtu), mayBeLarge: isLarge)
        return true
    }

    /// A bell.
    public func queueNotified(_ index: Int) {
        switch index {
        case Self.receiveQueue: receive()
        case Self.sendQueue: send()
        default: serveControl()
        }
    }

    /// Touches nothing until `resume`. The tap takes what comes until its queue is full.
    public func pause() {
        state.withLock { state in
            state.isPaused = true
            state.receiver.rest()
        }
    }

    /// Looks at what came meanwhile.
    public func resume() {
        state.withLock { $0.isPaused = false }
        wake()
    }

    /// Forgets the queues, the driver's address and what it can do.
    public func reset() {
        state.withLock { state in
            state.forgetQueues()
            state.features = []
            state.configuration.setAddress(address)
            _ = setOffloads([], &state)
        }
    }
}

extension NetworkDevice.State {
    /// Forgets the queues.
    mutating func forgetQueues() {
        receiver.reset()
        sender.reset()
        controlQueue = nil
    }
}

/// Queues on their way into the device.
private struct DriverQueues: ~Copyable {
    var receive: VirtQueue?
    var send: VirtQueue?
    var control: VirtQueue?
}
