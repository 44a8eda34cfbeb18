public import HostSystem
public import Specification

/// Why a machine stopped for good.
public enum MachineEnd: Equatable, Sendable {
    /// The guest powered itself off through ACPI.
    case powerOff
    /// The guest wrote a value to the debug-exit port.
    case guestExit(UInt8)
    /// The guest asked for a reset: by ACPI or the keyboard controller.
    case reset
    /// The guest cannot go on: what happened, with everything known about it.
    indirect case crash(CrashReport)
    /// A person or program wanted it gone and the guest did not power off in time.
    case forced(by: StopRequest)
    /// Where the console goes does not take its output any more.
    case consoleLost(SystemError)
    /// The kernel refused to run the guest.
    case failed(MachineError)

    /// The status of the process.
    public var exitCode: ExitCode {
        switch self {
        case .powerOff: .powerOff
        case .guestExit(let value): .guest(value)
        case .reset: .reset
        case .crash: .crash
        case .forced(by: .signal(let signal)): .forcedStop(signal: signal.rawValue)
        case .forced(by: .escapeKey): .forcedStop(signal: Signal.interrupt.rawValue)
        case .forced(by: .stopCommand): .forcedStop(signal: Signal.terminate.rawValue)
        case .forced(by: .killCommand): .forcedStop(signal: 9)
        case .consoleLost: .ioError
        case .failed(let error): error.exitCode
        }
    }
}

extension MachineEnd {
    /// The end in words, without the status.
    var reason: String {
        switch self {
        case .powerOff: "the guest powered off"
        case .guestExit(let value): "the guest ended with \(value)"
        case .reset: "the guest asked for a reset"
        case .crash(let report): "the guest crashed: \(report.headline)"
        case .forced(let request): "stopped by \(request)"
        case .consoleLost(let error): "the console's output is lost: \(error)"
        case .failed(let error): error.description
        }
    }
}

/// Who wants a machine to stop.
public enum StopRequest: Equatable, Sendable, CustomStringConvertible {
    /// A signal to the process.
    case signal(Signal)
    /// The escape key and `x` on the terminal.
    case escapeKey
    /// `stop` on the control socket.
    case stopCommand
    /// `kill` on the control socket.
    case killCommand

    /// One sentence for people.
    public var description: String {
        switch self {
        case .signal(let signal): signal.name
        case .escapeKey: "the escape key"
        case .stopCommand: "roost stop"
        case .killCommand: "roost kill"
        }
    }
}
