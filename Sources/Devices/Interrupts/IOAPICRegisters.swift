internal import X86

/// The state of an 82093AA I/O APIC of 24 pins, with the EOI register of version 0x20. A pure value:
/// it decides what is sent, and somebody else sends it.
struct IOAPICRegisters: Sendable {
    static let pinCount = 24

    /// IOAPICVER: 24 entries, version 0x20 (the first one that has an EOI register).
    private static let version: UInt32 = UInt32(pinCount - 1) << 16 | 0x20

    /// IOREGSEL.
    var select: UInt8 = 0
    /// IOAPICID bits 27:24; IOAPICARB shows the same.
    private var identity: UInt32 = 0
    private var entries = InlineArray<24, RedirectionEntry>(repeating: .powerOn)
    /// What the sink was last told of each pin.
    private var known = InlineArray<24, IOAPICRoute>(repeating: RedirectionEntry.powerOn.route)
    /// The level of each pin, one bit a pin.
    private var lines: UInt32 = 0
    /// Edges seen while a pin's new route was being made known.
    private var heldEdges: UInt32 = 0
    /// Pins whose new route is being made known: nothing is sent from them meanwhile.
    private var heldPins: UInt32 = 0

    /// The entry of a pin below 24.
    func entry(_ pin: Int) -> RedirectionEntry { entries[pin] }

    /// IOWIN, read.
    func readWindow() -> UInt32 {
        switch select {
        case 0x00, 0x02: return identity
        case 0x01: return Self.version
        default:
            guard let (pin, upperHalf) = selectedEntry else { return 0 }
            return UInt32(truncatingIfNeeded: entries[pin].rawValue &>> (upperHalf ? 32 : 0))
        }
    }

    /// IOWIN, written. Returns the pin whose entry was written: it may have something to send now, but
    /// if the sink must know its new route first, it is held until `releaseHold(pin:)`.
    mutating func writeWindow(_ value: UInt32) -> (pin: Int, routeChanged: Bool)? {
        if select == 0 {
            identity = value & 0x0F00_0000
            return nil
        }
        guard let (pin, upperHalf) = selectedEntry else { return nil }
        entries[pin].write(value, upperHalf: upperHalf)
        let route = entries[pin].route
        let changed = Self.mustBeKnown(route, after: known[pin])
        if changed {
            known[pin] = route
            heldPins |= 1 &<< UInt32(pin)
        }
        return (pin, changed)
    }

    /// Which entry IOREGSEL selects: registers 0x10 to 0x3F, two for each pin.
    private var selectedEntry: (pin: Int, upperHalf: Bool)? {
        guard select >= 0x10, select < 0x40 else { return nil }
        let index = Int(select &- 0x10)
        return (index / 2, index % 2 == 1)
    }

    /// Whether a change of route concerns those who bypass the registers. See `MessageSink`.
    private static func mustBeKnown(_ route: IOAPICRoute, after known: IOAPICRoute) -> Bool {
        if route.isMasked { return !route.isLevelTriggered && !known.isMasked }
        return route != known
    }

    /// Lets a held pin go: its route is known now.
    mutating func releaseHold(pin: Int) {
        heldPins &= ~(1 &<< UInt32(pin))
    }

    /// Sets a pin's level. Edges on a masked pin are lost, as the datasheet has it (3.2.4, mask).
    mutating func setLine(pin: Int, asserted: Bool) {
        let bit: UInt32 = 1 &<< UInt32(pin)
        let rises = asserted && lines & bit == 0
        lines = asserted ? lines | bit : lines & ~bit
        let entry = entries[pin]
        if rises, !entry.isLevelTriggered, !entry.isMasked { heldEdges |= bit }
    }

    /// The message a pin has to send now, if any. An edge is taken by the asking; a level stays until
    /// `accepted(pin:)`.
    mutating func pendingMessage(pin: Int) -> InterruptMessage? {
        let bit: UInt32 = 1 &<< UInt32(pin)
        guard heldPins & bit == 0 else { return nil }
        let entry = entries[pin]
        let edge = heldEdges & bit != 0
        heldEdges &= ~bit
        guard !entry.isMasked else { return nil }
        if entry.isLevelTriggered {
            return lines & bit != 0 && !entry.remoteIRR ? entry.message : nil
        }
        return edge ? entry.message : nil
    }

    /// A local APIC took the message of a level-triggered pin: silence until its end of interrupt.
    mutating func accepted(pin: Int) {
        if entries[pin].isLevelTriggered { entries[pin].remoteIRR = true }
    }

    /// Clears remote IRR of the level-triggered entries with this vector. Returns their pins, one bit
    /// each, to be looked at again.
    mutating func endOfInterrupt(vector: UInt8) -> UInt32 {
        var pins: UInt32 = 0
        for pin in 0..<Self.pinCount where entries[pin].vector == vector && entries[pin].remoteIRR {
            entries[pin].remoteIRR = false
            pins |= 1 &<< UInt32(pin)
        }
        return pins
    }

    /// Power-on state but for the pins' levels, which belong to the devices. Returns the pins, one bit
    /// each, that the sink does not know as masked.
    mutating func reset() -> UInt32 {
        var pins: UInt32 = 0
        for pin in 0..<Self.pinCount where !known[pin].isMasked {
            pins |= 1 &<< UInt32(pin)
        }
        let levels = lines
        self = IOAPICRegisters()
        lines = levels
        return pins
    }
}
