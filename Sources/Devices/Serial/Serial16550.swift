internal import Synchronization

/// A 16550A serial port whose line is a console: bytes out to a ring that a drain thread empties,
/// bytes in from a thread that reads a terminal.
///
/// Three kinds of thread use it: virtual CPUs through the bus, the drain thread (`drainOutput(into:)`,
/// `reviewOutput()`), and whoever has input (`receive(_:)`). None ever waits for another but for the
/// length of a register access.
///
/// The drain thread waits for the ring's wake-up, for the time that `reviewOutput()` returned and,
/// while it has bytes in hand, for its reader, all at once; then it clears the wake-up, passes on and
/// drains what it can, and reviews. It must not wait in write(2): a reader that stalls would then
/// keep an interrupt-driven guest waiting too.
public final class Serial16550: ByteRegisterDevice, Lifecycle {
    /// The first serial port of a PC, COM1.
    public static let defaultPort: UInt64 = 0x3F8
    /// The interrupt of the first serial port of a PC.
    public static let defaultInterrupt = 4
    /// The number of ports it claims.
    public static let size: UInt64 = 8

    private struct State: Sendable {
        var registers = UARTRegisters()
        var flow = OutputFlow()
        var input = ConsoleInputQueue()
        var isLineAsserted = false
        var isPaused = false
        /// `receive(_:)` has refused bytes and nobody was told of room since.
        var owesReceiveSpace = false
    }

    private let state = Mutex(State())
    private let output: ConsoleOutputBuffer
    private let interrupt: any InterruptLine
    private let now: @Sendable () -> UInt64
    private let receiveSpace: @Sendable () -> Void

    /// - Parameters:
    ///   - output: where the guest's bytes go; of this port alone.
    ///   - interrupt: raised while an enabled interrupt is pending and MCR OUT2 is set.
    ///   - now: a steady clock in nanoseconds; called with the port's lock held.
    ///   - receiveSpace: called once `receive(_:)` has refused bytes and half of its queue is free
    ///     again. On a virtual CPU's thread, with no lock held.
    public init(
        output: ConsoleOutputBuffer, interrupt: any InterruptLine, now: @escaping @Sendable () -> UInt64,
        receiveSpace: @escaping @Sendable () -> Void = {}
    ) {
        self.output = output
        self.interrupt = interrupt
        self.now = now
        self.receiveSpace = receiveSpace
    }

    /// Registers 0 to 7.
    public func readRegister(_ offset: UInt64) -> UInt8 {
        let (value, hasSpace) = state.withLock { state -> (UInt8, Bool) in
            if !state.registers.isTransmitterReady { reviewTransmitter(&state) }
            let value = state.registers.read(offset)
            return (value, settle(&state))
        }
        if hasSpace { receiveSpace() }
        return value
    }

    /// Registers 0 to 7. A byte for the transmitter goes to the ring at once.
    public func writeRegister(_ offset: UInt64, _ value: UInt8) -> BusEffect {
        let (mustWake, hasSpace) = state.withLock { state -> (Bool, Bool) in
            var mustWake = false
            if let byte = state.registers.write(offset, value) {
                // Without a FIFO each byte is an edge of its own: some drivers never read IIR. With
                // one, the line stays up while the burst is written.
                if !state.registers.usesFIFO { updateLine(&state) }
                mustWake = output.append(byte) == .storedInEmpty
                reviewTransmitter(&state)
                if !state.registers.isTransmitterReady { mustWake = true }
            }
            return (mustWake, settle(&state))
        }
        if mustWake { output.wakeDrainThread() }
        if hasSpace { receiveSpace() }
        return .none
    }

    /// Takes input for the guest, as much as there is room for, and returns how many bytes it took.
    /// The caller keeps the rest until `receiveSpace`. Any thread.
    public func receive(_ bytes: Span<UInt8>) -> Int {
        state.withLock { state in
            let count = min(bytes.count, state.input.room)
            for index in 0..<count { state.input.append(bytes[index]) }
            // More may fit once the FIFO is filled, but then the caller is told of space.
            state.owesReceiveSpace = count < bytes.count
            _ = settle(&state)
            return count
        }
    }

    /// Takes bytes out of the ring, as many as `bytes` has room for, and returns how many. Only the
    /// drain thread.
    public func drainOutput(into bytes: inout [UInt8]) -> Int {
        let count = output.drain(into: &bytes)
        if count > 0 { _ = reviewOutput() }
        return count
    }

    /// Looks whether the transmitter can be ready again. Returns when it must be called next, on the
    /// clock given at `init`, even if nothing was drained; nil if it need not. Any thread.
    public func reviewOutput() -> UInt64? {
        state.withLock { state in
            guard !state.registers.isTransmitterReady, !state.isPaused else { return nil }
            reviewTransmitter(&state)
            updateLine(&state)
            return state.registers.isTransmitterReady ? nil : state.flow.deadline
        }
    }

    /// Input waits in the queue, output stays as it is.
    public func pause() {
        state.withLock { $0.isPaused = true }
    }

    /// What waited comes in.
    public func resume() {
        let hasSpace = state.withLock { state in
            state.isPaused = false
            reviewTransmitter(&state)
            return settle(&state)
        }
        if hasSpace { receiveSpace() }
    }

    /// Power-on registers, line off. The guest's output is still drained; input that the guest has not
    /// read is kept, but for the receiver's FIFO.
    public func reset() {
        state.withLock { state in
            state.registers = UARTRegisters()
            state.flow = OutputFlow()
            reviewTransmitter(&state)
            updateLine(&state)
        }
    }

    // MARK: Under the lock

    private func reviewTransmitter(_ state: inout State) {
        let ready = state.flow.isReady(free: output.free, drained: output.drainedBytes, now: now)
        state.registers.setTransmitter(ready: ready)
    }

    /// Brings input and the line up to date. Returns whether `receiveSpace` is due.
    private func settle(_ state: inout State) -> Bool {
        guard !state.isPaused else { return false }
        while state.input.count > 0, state.registers.canReceive {
            guard let byte = state.input.popFirst() else { break }
            state.registers.receive(byte)
        }
        updateLine(&state)
        guard state.owesReceiveSpace, state.input.room >= ConsoleInputQueue.capacity / 2 else { return false }
        state.owesReceiveSpace = false
        return true
    }

    private func updateLine(_ state: inout State) {
        let level = state.registers.requestsInterrupt
        guard level != state.isLineAsserted else { return }
        state.isLineAsserted = level
        interrupt.set(asserted: level)
    }
}
