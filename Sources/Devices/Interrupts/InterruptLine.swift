/// A wire from a device to an interrupt controller's pin, as the device sees it.
///
/// A device calls it with its own lock held, from any thread, so that levels arrive in the order in
/// which they happened. An implementation must therefore be quick, must not block, and must not call
/// back into the device. Setting the level it has already is allowed and does nothing.
public protocol InterruptLine: AnyObject, Sendable {
    /// Sets the level. `true` asks for an interrupt, whatever the pin's electrical polarity.
    func set(asserted: Bool)
    /// One edge: up and down again.
    func pulse()
}

extension InterruptLine {
    /// Up and down again by `set(asserted:)`.
    public func pulse() {
        set(asserted: true)
        set(asserted: false)
    }
}
