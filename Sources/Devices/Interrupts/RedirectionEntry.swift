internal import X86

/// A redirection table entry, IOREDTBL (82093AA, 3.2.4).
struct RedirectionEntry: Equatable, Sendable {
    /// The 64 bits as the guest reads them.
    private(set) var rawValue: UInt64

    /// After power-on: masked, all else zero.
    static let powerOn = RedirectionEntry(rawValue: maskBit)

    private static let logicalDestinationBit: UInt64 = 1 << 11
    private static let remoteIRRBit: UInt64 = 1 << 14
    private static let levelTriggerBit: UInt64 = 1 << 15
    private static let maskBit: UInt64 = 1 << 16
    /// Vector, delivery mode, destination mode, polarity, trigger mode, mask; in the upper half the
    /// destination (63:56) and KVM's extended destination id (55:49). Delivery status and remote IRR
    /// are the controller's.
    private static let writableBits: UInt64 = 0xFFFE_0000_0001_AFFF

    /// INTVEC.
    var vector: UInt8 { UInt8(truncatingIfNeeded: rawValue) }
    /// Trigger mode: level, not edge.
    var isLevelTriggered: Bool { rawValue & Self.levelTriggerBit != 0 }
    /// Interrupt mask.
    var isMasked: Bool { rawValue & Self.maskBit != 0 }
    /// Remote IRR: a local APIC has the interrupt and has not ended it.
    var remoteIRR: Bool {
        get { rawValue & Self.remoteIRRBit != 0 }
        set { rawValue = newValue ? rawValue | Self.remoteIRRBit : rawValue & ~Self.remoteIRRBit }
    }

    /// Writes the lower or upper 32 bits as a guest does. An entry that becomes edge-triggered loses
    /// its remote IRR: guests count on that to end an interrupt without an EOI register.
    mutating func write(_ value: UInt32, upperHalf: Bool) {
        let shift: UInt64 = upperHalf ? 32 : 0
        let writable = Self.writableBits & (0xFFFF_FFFF &<< shift)
        rawValue = rawValue & ~writable | (UInt64(value) &<< shift) & writable
        if !isLevelTriggered { remoteIRR = false }
    }

    /// The entry as a message (Intel SDM vol. 3, 11.11). The destination's bits above 8 go where KVM's
    /// extended destination id has them, address bits 11:5.
    var message: InterruptMessage {
        let destination = rawValue &>> 56
        let extendedDestination = (rawValue &>> 49) & 0x7F
        let destinationMode: UInt64 = rawValue & Self.logicalDestinationBit != 0 ? 1 << 2 : 0
        let address = 0xFEE0_0000 | destination &<< 12 | extendedDestination &<< 5 | destinationMode
        // Vector and delivery mode lie in the same bits; a level message is an assertion (bit 14).
        let trigger: UInt32 = isLevelTriggered ? 1 << 15 | 1 << 14 : 0
        return InterruptMessage(
            address: address, data: UInt32(truncatingIfNeeded: rawValue) & 0x7FF | trigger)
    }

    /// The entry as whoever bypasses the controller needs it.
    var route: IOAPICRoute {
        IOAPICRoute(message: message, isLevelTriggered: isLevelTriggered, isMasked: isMasked)
    }
}
