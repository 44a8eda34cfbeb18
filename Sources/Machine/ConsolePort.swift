internal import HostSystem
internal import Virtio

/// A console as the guest has it, for the pump that carries its bytes. On the main thread.
protocol ConsolePort: Sendable {
    /// Readable when there is output to drain, until `clearOutputReady`.
    var outputDescriptor: Int32 { get }
    /// Readable when there is room for input again, until `clearInputWanted`.
    var inputDescriptor: Int32 { get }
    func clearOutputReady()
    func clearInputWanted()
    /// Takes what the guest wrote: fills `bytes` from the start and returns how many.
    func drain(into bytes: inout [UInt8]) -> Int
    /// Gives the guest input; answers how many bytes it took.
    func type(_ bytes: ArraySlice<UInt8>) -> Int
    /// Looks whether a console that nobody reads must go on without.
    ///
    /// - Returns: the time by `HostClock.monotonicNanoseconds` when to look again, if so.
    func review() -> UInt64?
    /// Output that was lost because nobody read it, in bytes.
    var droppedBytes: UInt64 { get }
    /// Tells the guest how large the person's terminal is, if it can be told.
    func resize(_ size: TerminalSize)
}

/// The first serial port.
struct SerialConsolePort: ConsolePort {
    let machine: Machine

    var outputDescriptor: Int32 { machine.outputReady.descriptor }
    var inputDescriptor: Int32 { machine.inputWanted.descriptor }
    func clearOutputReady() { machine.outputReady.clear() }
    func clearInputWanted() { machine.inputWanted.clear() }
    func drain(into bytes: inout [UInt8]) -> Int { machine.drainConsole(into: &bytes) }
    func type(_ bytes: ArraySlice<UInt8>) -> Int { machine.typeToConsole(bytes) }
    func review() -> UInt64? { machine.reviewConsole() }
    var droppedBytes: UInt64 { machine.droppedConsoleBytes }
    // A serial line has no size; there is an escape key to type it to the shell.
    func resize(_ size: TerminalSize) {}
}

extension ConsoleDevice: ConsolePort {
    var outputDescriptor: Int32 { outputReady.descriptor.number }
    var inputDescriptor: Int32 { inputWanted.descriptor.number }
    func clearOutputReady() { outputReady.drain() }
    func clearInputWanted() { inputWanted.drain() }
}
