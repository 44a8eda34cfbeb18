/// What a device that has more than registers promises to a machine.
///
/// - `pause()` comes when every virtual CPU has stopped. When it returns, the device raises no
///   interrupt, touches no guest memory and writes nothing on behalf of the guest until `resume()`.
///   What comes in from outside meanwhile waits or is dropped, as the device says.
/// - `resume()` undoes it: whatever became due during the pause is due now.
/// - `reset()` comes between the two, and puts the device in the state after power-on. Connections to
///   the outside (a terminal, a disk's file) stay, and so do counters.
///
/// The machine calls them from one thread, devices in the order of their wiring, and never while a
/// virtual CPU runs. None may fail or block. A device of registers alone needs only `reset()`, which
/// is why the other two do nothing by default.
public protocol Lifecycle: AnyObject, Sendable {
    /// Go quiet.
    func pause()
    /// Go on.
    func resume()
    /// Power-on state.
    func reset()
}

extension Lifecycle {
    /// Nothing to quiet: the device acts only when a virtual CPU does.
    public func pause() {}
    /// Nothing to undo.
    public func resume() {}
}
