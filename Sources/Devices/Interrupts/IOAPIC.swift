internal import Synchronization

/// The I/O APIC (82093AA with the EOI register of version 0x20), 24 pins, in user space.
///
/// Lines come in from devices on any thread; messages go out through the sink, which the machine
/// backs with `KVM_SIGNAL_MSI`. Writes of the table are rare and go one at a time: the sink learns a
/// new route before its first message is sent, and only then the write returns.
public final class IOAPIC: BusDevice, Lifecycle {
    /// Where it is on every PC.
    public static let defaultAddress: UInt64 = 0xFEC0_0000
    /// The size of its claim in bytes.
    public static let size: UInt64 = 0x1000
    /// The number of pins; pin n is global system interrupt n.
    public static let pinCount = IOAPICRegisters.pinCount

    private let registers = Mutex(IOAPICRegisters())
    /// Held by whoever writes the table, from the change until the sink knows it. Taken before
    /// `registers`; lines and ends of interrupts do not need it.
    private let tableWriter = Mutex<Void>(())
    private let sink: any MessageSink

    /// All entries masked.
    public init(sink: any MessageSink) {
        self.sink = sink
    }

    /// The line into a pin. Nil if there is no such pin.
    public func line(pin: Int) -> IOAPICPin? {
        pin >= 0 && pin < Self.pinCount ? IOAPICPin(self, pin: pin) : nil
    }

    /// What a pin sends now. Nil if there is no such pin.
    public func route(pin: Int) -> IOAPICRoute? {
        guard pin >= 0, pin < Self.pinCount else { return nil }
        return registers.withLock { $0.entry(pin).route }
    }

    /// Sets a pin's level; a pin that does not exist is ignored. Any thread.
    public func setLine(pin: Int, asserted: Bool) {
        guard pin >= 0, pin < Self.pinCount else { return }
        registers.withLock {
            $0.setLine(pin: pin, asserted: asserted)
            deliver(pin, &$0)
        }
    }

    /// A local APIC ended a level-triggered interrupt (`KVM_EXIT_IOAPIC_EOI`, or the guest wrote
    /// EOIR). Sends again what is still asserted. Any thread.
    public func endOfInterrupt(vector: UInt8) {
        registers.withLock {
            var pins = $0.endOfInterrupt(vector: vector)
            while pins != 0 {
                deliver(pins.trailingZeroBitCount, &$0)
                pins &= pins &- 1
            }
        }
    }

    private func deliver(_ pin: Int, _ registers: inout IOAPICRegisters) {
        guard let message = registers.pendingMessage(pin: pin) else { return }
        if sink.send(message) { registers.accepted(pin: pin) }
    }

    /// IOREGSEL at 0x00 and IOWIN at 0x10 (82093AA, 3.1); all else reads zero.
    public func read(offset: UInt64, width: AccessWidth) -> UInt64 {
        switch offset {
        case 0x00: registers.withLock { UInt64($0.select) }
        case 0x10: registers.withLock { UInt64($0.readWindow()) }
        default: 0
        }
    }

    /// IOREGSEL, IOWIN and, at 0x40, EOIR. The datasheet allows 32-bit accesses only; IOREGSEL takes
    /// every width, the others ignore any other one.
    public func write(offset: UInt64, width: AccessWidth, value: UInt64) -> BusEffect {
        switch (offset, width) {
        case (0x00, _): registers.withLock { $0.select = UInt8(truncatingIfNeeded: value) }
        case (0x10, .doubleWord): writeWindow(UInt32(truncatingIfNeeded: value))
        case (0x40, .doubleWord): endOfInterrupt(vector: UInt8(truncatingIfNeeded: value))
        default: break
        }
        return .none
    }

    private func writeWindow(_ value: UInt32) {
        tableWriter.withLock { _ in
            let change = registers.withLock { registers -> (pin: Int, route: IOAPICRoute)? in
                guard let (pin, routeChanged) = registers.writeWindow(value) else { return nil }
                guard !routeChanged else { return (pin, registers.entry(pin).route) }
                deliver(pin, &registers)
                return nil
            }
            guard let change else { return }
            sink.routeChanged(pin: change.pin, to: change.route)
            registers.withLock {
                $0.releaseHold(pin: change.pin)
                deliver(change.pin, &$0)
            }
        }
    }

    /// Masks every entry. The sink hears of each pin that it does not know as masked.
    public func reset() {
        tableWriter.withLock { _ in
            var pins = registers.withLock { $0.reset() }
            while pins != 0 {
                sink.routeChanged(pin: pins.trailingZeroBitCount, to: RedirectionEntry.powerOn.route)
                pins &= pins &- 1
            }
        }
    }
}

/// The line into one pin of an I/O APIC.
public final class IOAPICPin: InterruptLine {
    private let controller: IOAPIC
    /// The pin's number.
    public let pin: Int

    fileprivate init(_ controller: IOAPIC, pin: Int) {
        self.controller = controller
        self.pin = pin
    }

    /// Sets the pin's level.
    public func set(asserted: Bool) {
        controller.setLine(pin: pin, asserted: asserted)
    }
}
