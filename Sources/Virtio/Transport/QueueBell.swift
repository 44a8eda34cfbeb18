public import HostSystem

/// The bell of one queue: rung by a virtual CPU, or by the kernel on its behalf (ioeventfd), heard by
/// the device's event loop.
public final class QueueBell: Sendable {
    /// What the loop watches, edge-triggered: each ring is a new edge, so nobody need read it.
    public let event: EventDescriptor

    /// A silent bell.
    public init() throws(SystemError) {
        event = try EventDescriptor()
    }

    /// Wakes the loop. Any thread.
    public func ring() {
        event.signal()
    }
}
