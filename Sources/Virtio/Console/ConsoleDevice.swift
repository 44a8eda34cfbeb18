public import Devices
public import HostSystem

/// The console device with a single port (virtio 1.2, 5.3).
///
/// Nothing is kept here: what the guest writes stays in its buffers until somebody drains it, and what is
/// typed stays with whoever types until the guest has buffers for it. But a guest whose console nobody
/// reads must not wait for ever: after a while its output is dropped, and counted.
public final class ConsoleDevice: VirtioDevice {
    /// For how long a guest waits for a reader that does not read, in nanoseconds: as at the serial port.
    public static let patience: UInt64 = 100_000_000

    private let environment: DeviceEnvironment
    private let state: Guarded<ConsoleState>
    private let now: @Sendable () -> UInt64
    /// Signalled when there is output to drain.
    public let outputReady: EventDescriptor
    /// Signalled when there is room again, after `type` had found none.
    public let inputWanted: EventDescriptor

    /// An idle device.
    public init(
        _ environment: DeviceEnvironment,
        now: @escaping @Sendable () -> UInt64 = { HostClock.monotonicNanoseconds() }
    ) throws(SystemError) {
        self.environment = environment
        self.now = now
        outputReady = try EventDescriptor()
        inputWanted = try EventDescriptor()
        let section = try environment.section(ConsoleDeviceShape.usual.shape)
        state = Guarded(ConsoleState(ConsoleDeviceCounters(section)))
    }

    /// Console.
    public var kind: VirtioDeviceKind { .console }
    /// Its size is known, and a guest in need can write without a queue.
    public var features: FeatureSet { [.consoleSize, .consoleEmergencyWrite] }
    /// receiveq and transmitq of the only port.
    public var queueSizes: [UInt16] { [64, 64] }

    /// cols, rows, max_nr_ports (1, though only MULTIPORT would make it valid) and emerg_wr.
    public func readConfiguration(offset: UInt64, width: AccessWidth) -> UInt64 {
        state.withLock { $0.configuration.read(offset: offset, width: width) }
    }

    /// A byte to emerg_wr is output, from the first register access on.
    public func writeConfiguration(offset: UInt64, width: AccessWidth, value: UInt64) {
        guard offset == ConsoleState.emergencyOffset else { return }
        state.withLock { $0.write(inNeed: UInt8(truncatingIfNeeded: value)) }
        outputReady.signal()
    }

    /// Takes the queues.
    public func activate(_ queues: consuming QueueSet, features: FeatureSet) {
        var input = queues.take(0)
        var output = queues.take(1)
        state.withLock { state in
            state.input = input.take()
            state.output = output.take()
        }
    }

    /// Passes the word on: there is output, or room for input.
    public func queueNotified(_ index: Int) {
        if index == 1 {
            if hasOutput() { outputReady.signal() }
        } else if state.withLock({ $0.takeWish() }) {
            inputWanted.signal()
        }
    }

    private func hasOutput() -> Bool {
        failing { state throws(QueueError) in try state.noticeOutput(at: now()) } ?? false
    }

    private func failing<Result>(
        _ body: (inout ConsoleState) throws(QueueError) -> Result
    ) -> Result? {
        state.withLock { state in
            do throws(QueueError) {
                return try body(&state)
            } catch {
                // Without its queues the device is quiet until the reset.
                environment.signals.fail(error)
                return nil
            }
        }
    }

    /// Touches nothing until `resume`.
    public func pause() {
        state.withLock { $0.isPaused = true }
    }

    /// Looks at what came meanwhile.
    public func resume() {
        state.withLock { $0.isPaused = false }
        for queue in 0...1 { queueNotified(queue) }
    }

    /// Forgets the queues, and what was in them.
    public func reset() {
        state.withLock { state in
            state.dropQueues()
            state.configuration.set(UInt32(0), at: Int(ConsoleState.emergencyOffset))
        }
    }
}

extension ConsoleDevice {
    /// Takes what the guest wrote: fills `bytes` from the start. One thread at a time.
    ///
    /// - Returns: how many; 0 if there is nothing now.
    public func drain(into bytes: inout [UInt8]) -> Int {
        failing { state throws(QueueError) in try state.drain(into: &bytes) } ?? 0
    }

    /// Gives the guest input.
    ///
    /// - Returns: how many bytes it had room for; if not all, `inputWanted` tells of more.
    public func type(_ bytes: ArraySlice<UInt8>) -> Int {
        failing { state throws(QueueError) in try state.type(bytes) } ?? 0
    }

    /// Drops output that nobody has drained for the length of `patience`, so that the guest goes on.
    ///
    /// - Returns: the time on the clock given at `init` when to look again; nil if there is nothing.
    public func review() -> UInt64? {
        failing { state throws(QueueError) in try state.review(at: now()) } ?? nil
    }

    /// Output that was dropped, in bytes.
    public var droppedBytes: UInt64 { state.withLock { $0.droppedBytes } }

    /// Tells the guest how large the terminal is. Any thread; a size it has already changes nothing.
    public func resize(_ size: TerminalSize) {
        if state.withLock({ $0.resize(size) }) { environment.signals.configurationChanged() }
    }
}

extension FeatureSet {
    /// cols and rows are valid (VIRTIO_CONSOLE_F_SIZE).
    public static let consoleSize = FeatureSet(bit: 0)
    /// emerg_wr is there (VIRTIO_CONSOLE_F_EMERG_WRITE).
    public static let consoleEmergencyWrite = FeatureSet(bit: 2)
}
