/// The registers of a 16550A (PC16550D datasheet), as a pure value: no thread, no line, no terminal.
///
/// Time does not pass in it. A byte is on the line as soon as whoever owns the value says so, and the
/// receiver's time-out of four characters is over at once: bytes below the trigger level cause the
/// time-out interrupt, as the owner has already filled the FIFO with all there is.
struct UARTRegisters: Sendable {
    private var interruptEnable: UARTInterruptEnable = []
    private var isFIFOEnabled = false
    /// FCR bits 7:6.
    private var triggerSelect: UInt8 = 0
    private var lineControl: UInt8 = 0
    private var modemControl: UARTModemControl = []
    private var scratch: UInt8 = 0
    private var divisor: UInt16 = 1

    private var received = UARTReceiveFIFO()
    private var hasOverrun = false
    /// Whether the transmitter takes bytes: THRE and TEMT.
    private(set) var isTransmitterReady = true
    /// The latch behind the transmitter's interrupt: set when the holding register becomes empty,
    /// cleared by reading IIR as the source or by writing THR.
    private var transmitterEmptyPending = false
    private var modemDeltas: UARTModemStatus = []

    /// Whether the transmitter and receiver work in FIFO mode.
    var usesFIFO: Bool { isFIFOEnabled }

    // MARK: The guest's side

    /// A read of register 0 to 7; others read all ones.
    mutating func read(_ register: UInt64) -> UInt8 {
        switch register {
        case 0: return isDivisorSelected ? UInt8(truncatingIfNeeded: divisor) : received.popFirst() ?? 0
        case 1: return isDivisorSelected ? UInt8(truncatingIfNeeded: divisor &>> 8) : interruptEnable.rawValue
        case 2: return readInterruptIdentification()
        case 3: return lineControl
        case 4: return modemControl.rawValue
        case 5: return readLineStatus()
        case 6: return readModemStatus()
        case 7: return scratch
        default: return 0xFF
        }
    }

    /// A write of register 0 to 7; others are ignored, as are LSR and MSR. Returns a byte to send: the
    /// transmitter is busy with it until `setTransmitter(ready:)`.
    mutating func write(_ register: UInt64, _ value: UInt8) -> UInt8? {
        switch register {
        case 0 where isDivisorSelected: divisor = divisor & 0xFF00 | UInt16(value)
        case 0: return writeTransmitterHolding(value)
        case 1 where isDivisorSelected: divisor = divisor & 0x00FF | UInt16(value) &<< 8
        case 1: writeInterruptEnable(UARTInterruptEnable(rawValue: value).intersection(.all))
        case 2: writeFIFOControl(value)
        case 3: lineControl = value
        case 4: writeModemControl(UARTModemControl(rawValue: value).intersection(.all))
        case 7: scratch = value
        default: break
        }
        return nil
    }

    /// The level of the card's interrupt line. OUT2 gates it, and loopback holds the OUT2 pin off.
    var requestsInterrupt: Bool {
        guard modemControl.contains(.output2), !modemControl.contains(.loopback) else { return false }
        return interruptCause != .none
    }

    /// The pending interrupt of the highest priority (8.6, table IV).
    var interruptCause: UARTInterruptCause {
        if interruptEnable.contains(.lineStatus), hasOverrun { return .lineStatus }
        if interruptEnable.contains(.receivedData), !received.isEmpty {
            return received.count >= triggerLevel ? .receivedData : .receiveTimeOut
        }
        if interruptEnable.contains(.transmitterEmpty), transmitterEmptyPending { return .transmitterEmpty }
        if interruptEnable.contains(.modemStatus), !modemDeltas.isEmpty { return .modemStatus }
        return .none
    }

    // MARK: The line's side

    /// Whether a byte from the line has room. In loopback the line is disconnected.
    var canReceive: Bool {
        guard !modemControl.contains(.loopback) else { return false }
        return isFIFOEnabled ? !received.isFull : received.isEmpty
    }

    /// A byte arrives. Without room, it is lost with a FIFO, and replaces the unread one without; both
    /// are an overrun (8.4, bit 1).
    mutating func receive(_ byte: UInt8) {
        if isFIFOEnabled ? received.isFull : !received.isEmpty {
            hasOverrun = true
            if isFIFOEnabled { return }
            received.removeAll()
        }
        received.append(byte)
    }

    /// Says whether the transmitter takes bytes. Becoming ready is what raises its interrupt.
    mutating func setTransmitter(ready: Bool) {
        if ready, !isTransmitterReady { transmitterEmptyPending = true }
        isTransmitterReady = ready
    }
}

extension UARTRegisters {
    private var isDivisorSelected: Bool { lineControl & UARTLineControl.divisorLatchAccess != 0 }

    /// How many bytes raise the received-data interrupt (8.5).
    private var triggerLevel: Int {
        guard isFIFOEnabled else { return 1 }
        return switch triggerSelect {
        case 0: 1
        case 1: 4
        case 2: 8
        default: 14
        }
    }

    private mutating func readInterruptIdentification() -> UInt8 {
        let cause = interruptCause
        if cause == .transmitterEmpty { transmitterEmptyPending = false }
        return cause.rawValue | (isFIFOEnabled ? 0xC0 : 0)
    }

    private mutating func readLineStatus() -> UInt8 {
        var status: UARTLineStatus = []
        if !received.isEmpty { status.insert(.dataReady) }
        if hasOverrun { status.insert(.overrunError) }
        if isTransmitterReady { status.formUnion([.transmitterHoldingEmpty, .transmitterEmpty]) }
        hasOverrun = false
        return status.rawValue
    }

    private mutating func readModemStatus() -> UInt8 {
        let status = modemInputs.union(modemDeltas)
        modemDeltas = []
        return status.rawValue
    }

    private mutating func writeTransmitterHolding(_ value: UInt8) -> UInt8? {
        transmitterEmptyPending = false
        guard modemControl.contains(.loopback) else {
            isTransmitterReady = false
            return value
        }
        receive(value)
        transmitterEmptyPending = isTransmitterReady
        return nil
    }

    /// Enabling the transmitter's interrupt while it is empty raises it (8.7; drivers start with it).
    private mutating func writeInterruptEnable(_ value: UARTInterruptEnable) {
        let added = value.subtracting(interruptEnable)
        interruptEnable = value
        if added.contains(.transmitterEmpty), isTransmitterReady { transmitterEmptyPending = true }
    }

    /// Turning the FIFOs on or off empties them; the other bits count only with bit 0 set (8.5).
    private mutating func writeFIFOControl(_ value: UInt8) {
        let enable = value & 1 != 0
        if enable != isFIFOEnabled || (enable && value & 2 != 0) { received.removeAll() }
        isFIFOEnabled = enable
        triggerSelect = enable ? value &>> 6 : 0
    }

    private mutating func writeModemControl(_ value: UARTModemControl) {
        let before = modemInputs
        modemControl = value
        let after = modemInputs
        let ringEnded = before.contains(.ringIndicator) && !after.contains(.ringIndicator)
        let changed = before.symmetricDifference(after).subtracting(.ringIndicator)
        modemDeltas.formUnion(UARTModemStatus(rawValue: changed.rawValue &>> 4))
        if ringEnded { modemDeltas.insert(.trailingEdgeRing) }
    }

    /// The modem's lines: a terminal that is always there, or in loopback our own outputs (8.8).
    private var modemInputs: UARTModemStatus {
        guard modemControl.contains(.loopback) else {
            return [.clearToSend, .dataSetReady, .dataCarrierDetect]
        }
        var inputs: UARTModemStatus = []
        if modemControl.contains(.requestToSend) { inputs.insert(.clearToSend) }
        if modemControl.contains(.dataTerminalReady) { inputs.insert(.dataSetReady) }
        if modemControl.contains(.output1) { inputs.insert(.ringIndicator) }
        if modemControl.contains(.output2) { inputs.insert(.dataCarrierDetect) }
        return inputs
    }
}
