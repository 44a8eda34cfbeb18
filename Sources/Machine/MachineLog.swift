internal import HostSystem
internal import Specification

/// What a machine tells on standard error: one line a message, from any thread.
///
/// swift-log would add 0.8 MB of resident memory and 0.1 ms to each start (docs/adr/0001).
struct MachineLog: Sendable {
    private let prefix: String
    let level: LogLevel

    init(name: String, level: LogLevel) {
        prefix = "roost: \(name): "
        self.level = level
    }

    func error(_ message: @autoclosure () -> String) { write(.error, "error: ", message) }
    func warning(_ message: @autoclosure () -> String) { write(.warning, "warning: ", message) }
    func info(_ message: @autoclosure () -> String) { write(.info, "", message) }
    func debug(_ message: @autoclosure () -> String) { write(.debug, "debug: ", message) }

    private func write(_ level: LogLevel, _ mark: String, _ message: () -> String) {
        guard self.level >= level else { return }
        // One write a line, so that lines of several threads do not mix.
        DescriptorIO.writeToStandardError(prefix + mark + message() + "\n")
    }
}
