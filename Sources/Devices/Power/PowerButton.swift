/// The power button: an interrupt of the ACPI Generic Event Device, which asks a guest to shut down.
public final class PowerButton: Sendable {
    private let interrupt: any InterruptLine

    /// - Parameter interrupt: the line of the event device's global system interrupt, edge-triggered.
    public init(interrupt: any InterruptLine) {
        self.interrupt = interrupt
    }

    /// Presses it once. The guest may ignore it. Any thread.
    public func press() {
        interrupt.pulse()
    }
}
