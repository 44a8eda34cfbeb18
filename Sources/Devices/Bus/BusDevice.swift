/// How many bytes one bus access moves.
public enum AccessWidth: UInt8, CaseIterable, Sendable {
    /// One byte.
    case byte = 1
    /// Two bytes.
    case word = 2
    /// Four bytes, the widest port access.
    case doubleWord = 4
    /// Eight bytes, memory only.
    case quadWord = 8

    /// The number of bytes.
    @inlinable
    public var byteCount: UInt64 { UInt64(rawValue) }

    /// All ones of the width: what a read returns that nobody answers, and the bits a value may have.
    @inlinable
    public var mask: UInt64 { UInt64.max &>> (64 &- 8 &* byteCount) }
}

/// Why a guest wants its machine to end. Devices do not know the machine; they only say this.
public enum EndRequest: Equatable, Sendable {
    /// The guest switched itself off.
    case powerOff
    /// The guest asked for a reset.
    case reset
    /// A guest written for Roost ended with a status.
    case guestExit(UInt8)
}

/// What a write asks of whoever carried it to the bus, beyond the device's own doing.
public enum BusEffect: Equatable, Sendable {
    /// Nothing: go on.
    case none
    /// End the machine. Some other virtual CPU may ask at the same time; the first one counts.
    case end(EndRequest)
}

/// Something that answers at a range of ports or guest-physical addresses.
///
/// The contract: any virtual CPU's thread calls at any time, several at once, so a device guards its
/// own state and holds no lock of anybody else's. Offsets lie in the claimed range, as does the whole
/// access; values above the width are already cut off. Apart from that everything is the guest's
/// choice: there is no offset, width or value that may trap, block in the host, or allocate without
/// bound.
public protocol BusDevice: AnyObject, Sendable {
    /// A read by the guest. Bits above the width are ignored.
    func read(offset: UInt64, width: AccessWidth) -> UInt64
    /// A write by the guest.
    func write(offset: UInt64, width: AccessWidth, value: UInt64) -> BusEffect
}

/// A device whose registers are all one byte wide. A wider access becomes byte accesses in ascending
/// order, as an ISA bus does it for an 8-bit card.
public protocol ByteRegisterDevice: BusDevice {
    /// A read of one register.
    func readRegister(_ offset: UInt64) -> UInt8
    /// A write of one register.
    func writeRegister(_ offset: UInt64, _ value: UInt8) -> BusEffect
}

extension ByteRegisterDevice {
    /// Reads the registers from `offset` on, the first one in the lowest byte.
    @inlinable
    public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
        var value = UInt64(readRegister(offset))
        var lane: UInt64 = 1
        while lane < width.byteCount {
            value |= UInt64(readRegister(offset &+ lane)) &<< (8 &* lane)
            lane &+= 1
        }
        return value
    }

    /// Writes the registers from `offset` on, the lowest byte first. The first request to end counts.
    @inlinable
    public func write(offset: UInt64, width: AccessWidth, value: UInt64) -> BusEffect {
        var effect = writeRegister(offset, UInt8(truncatingIfNeeded: value))
        var lane: UInt64 = 1
        while lane < width.byteCount {
            let byte = UInt8(truncatingIfNeeded: value &>> (8 &* lane))
            let next = writeRegister(offset &+ lane, byte)
            if effect == .none { effect = next }
            lane &+= 1
        }
        return effect
    }
}
