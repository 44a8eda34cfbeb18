// The bits of the 16550D's registers (PC16550D datasheet, section 8).

/// IER, interrupt enable register (8.7).
struct UARTInterruptEnable: OptionSet, Sendable {
    let rawValue: UInt8

    /// ERBFI: received data available and receive time-out.
    static let receivedData = UARTInterruptEnable(rawValue: 1 << 0)
    /// ETBEI: transmitter holding register empty.
    static let transmitterEmpty = UARTInterruptEnable(rawValue: 1 << 1)
    /// ELSI: receiver line status.
    static let lineStatus = UARTInterruptEnable(rawValue: 1 << 2)
    /// EDSSI: modem status.
    static let modemStatus = UARTInterruptEnable(rawValue: 1 << 3)

    static let all: UARTInterruptEnable = [.receivedData, .transmitterEmpty, .lineStatus, .modemStatus]
}

/// IIR, interrupt identification register (8.6), bits 3:0, in the order of priority.
enum UARTInterruptCause: UInt8, Sendable {
    case lineStatus = 0x6
    case receivedData = 0x4
    case receiveTimeOut = 0xC
    case transmitterEmpty = 0x2
    case modemStatus = 0x0
    case none = 0x1
}

/// LCR, line control register (8.1). Only the bit that changes what other registers mean.
enum UARTLineControl {
    /// DLAB: registers 0 and 1 are the divisor latch.
    static let divisorLatchAccess: UInt8 = 1 << 7
}

/// MCR, modem control register (8.8).
struct UARTModemControl: OptionSet, Sendable {
    let rawValue: UInt8

    /// DTR.
    static let dataTerminalReady = UARTModemControl(rawValue: 1 << 0)
    /// RTS.
    static let requestToSend = UARTModemControl(rawValue: 1 << 1)
    /// OUT1.
    static let output1 = UARTModemControl(rawValue: 1 << 2)
    /// OUT2: on a PC, lets the interrupt out of the card.
    static let output2 = UARTModemControl(rawValue: 1 << 3)
    /// LOOP.
    static let loopback = UARTModemControl(rawValue: 1 << 4)

    static let all: UARTModemControl = [
        .dataTerminalReady, .requestToSend, .output1, .output2, .loopback,
    ]
}

/// LSR, line status register (8.4). Parity, framing and break do not happen on this line.
struct UARTLineStatus: OptionSet, Sendable {
    let rawValue: UInt8

    /// DR: a byte is there to read.
    static let dataReady = UARTLineStatus(rawValue: 1 << 0)
    /// OE: a byte was lost because the guest did not read in time.
    static let overrunError = UARTLineStatus(rawValue: 1 << 1)
    /// THRE: the transmitter takes a byte, with its FIFO on sixteen.
    static let transmitterHoldingEmpty = UARTLineStatus(rawValue: 1 << 5)
    /// TEMT: all is sent.
    static let transmitterEmpty = UARTLineStatus(rawValue: 1 << 6)
}

/// MSR, modem status register (8.9).
struct UARTModemStatus: OptionSet, Sendable {
    let rawValue: UInt8

    /// TERI: the ring indicator went off.
    static let trailingEdgeRing = UARTModemStatus(rawValue: 1 << 2)
    /// CTS.
    static let clearToSend = UARTModemStatus(rawValue: 1 << 4)
    /// DSR.
    static let dataSetReady = UARTModemStatus(rawValue: 1 << 5)
    /// RI.
    static let ringIndicator = UARTModemStatus(rawValue: 1 << 6)
    /// DCD.
    static let dataCarrierDetect = UARTModemStatus(rawValue: 1 << 7)

    /// DCTS, DDSR, TERI and DDCD: what changed since the last read.
    static let deltas = UARTModemStatus(rawValue: 0x0F)
}
