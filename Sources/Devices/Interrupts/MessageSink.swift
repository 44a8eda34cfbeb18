public import X86

/// What an I/O APIC pin currently sends.
public struct IOAPICRoute: Hashable, Sendable {
    /// The message.
    public let message: InterruptMessage
    /// Level-triggered: the local APIC's end of interrupt must come back to
    /// `IOAPIC.endOfInterrupt(vector:)`.
    public let isLevelTriggered: Bool
    /// Nothing is sent for now.
    public let isMasked: Bool
}

/// Where an I/O APIC's messages go: the machine, which hands them to the hypervisor.
///
/// Both are called with locks of the I/O APIC held, on any thread, and must not call back into it.
public protocol MessageSink: AnyObject, Sendable {
    /// Delivers a message now. False if no local APIC took it; a level-triggered interrupt is then
    /// tried again with the next change of its line or its entry.
    func send(_ message: InterruptMessage) -> Bool
    /// A pin's route is another one from now on. Returns when interrupts that bypass the I/O APIC
    /// (an irqfd) and the hypervisor's list of level-triggered vectors follow the new route: no
    /// message of the new route is sent earlier.
    ///
    /// Calls come one at a time. That a guest masks a level-triggered pin is not reported, so that the
    /// end of an interrupt that was masked while in service is still noticed, and because guests mask
    /// such pins with every interrupt. At a reset all pins become masked.
    func routeChanged(pin: Int, to route: IOAPICRoute)
}
