public import Devices
internal import Synchronization

/// What a virtio device tells its driver outside its queues: the interrupt with its cause, the status's
/// NEEDS_RESET, the generation of its configuration.
///
/// From any thread, with or without the device's lock.
public final class DeviceSignals: Sendable {
    private let line: any InterruptLine
    private let log: DeviceLog
    private let cause = Atomic<UInt32>(0)
    private let brokenQueues = Atomic<Bool>(false)
    private let generation = Atomic<UInt32>(0)
    private let isActive = Atomic<Bool>(false)
    private let interruptCount = Atomic<UInt64>(0)
    private let failureCount = Atomic<UInt64>(0)

    private static let usedBuffer: UInt32 = 1
    private static let configurationChange: UInt32 = 2

    /// - Parameter line: its edge is the interrupt.
    public init(line: any InterruptLine, log: DeviceLog) {
        self.line = line
        self.log = log
    }

    /// Chains were given back that the driver waits for.
    public func queueUsed() {
        raise(Self.usedBuffer)
    }

    /// The configuration space has changed (2.5).
    public func configurationChanged() {
        generation.wrappingAdd(1, ordering: .releasing)
        if isActive.load(ordering: .acquiring) { raise(Self.configurationChange) }
    }

    /// The driver has broken a queue: the device stops until it is reset (2.1.2).
    public func fail(_ error: QueueError) {
        failureCount.wrappingAdd(1, ordering: .relaxed)
        log.warning("the guest's driver broke it: \(error); it needs a reset")
        brokenQueues.store(true, ordering: .releasing)
        if isActive.load(ordering: .acquiring) { raise(Self.configurationChange) }
    }

    private func raise(_ cause: UInt32) {
        // The driver's handler reads the cause after the interrupt, so it stands there first.
        self.cause.bitwiseOr(cause, ordering: .releasing)
        interruptCount.wrappingAdd(1, ordering: .relaxed)
        line.pulse()
    }

    /// Interrupts raised so far.
    public var interrupts: UInt64 { interruptCount.load(ordering: .relaxed) }
    /// How often a driver broke the device so far.
    public var failures: UInt64 { failureCount.load(ordering: .relaxed) }

    // For transports:

    var pendingCause: UInt32 { cause.load(ordering: .acquiring) }

    func acknowledge(_ bits: UInt32) {
        cause.bitwiseAnd(~bits, ordering: .acquiringAndReleasing)
    }

    var needsReset: Bool { brokenQueues.load(ordering: .acquiring) }

    var configurationGeneration: UInt32 { generation.load(ordering: .acquiring) }

    /// From DRIVER_OK until reset, configuration changes are told.
    func setActive(_ isActive: Bool) {
        self.isActive.store(isActive, ordering: .releasing)
        guard !isActive else { return }
        brokenQueues.store(false, ordering: .releasing)
        cause.store(0, ordering: .releasing)
    }
}
