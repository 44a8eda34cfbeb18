/// How a Roost process ends. docs/exit-codes.md is the user's table.
///
/// The numbers from 64 are those of sysexits.h; 32 and 33 are crosvm's.
public enum ExitCode: Equatable, Sendable {
    /// The guest powered off, on its own or because it was asked to: 0.
    case powerOff
    /// The guest wrote this value to the debug-exit port. It is passed on as it is, 0 to 255, and may
    /// therefore look like any other code here: the guest's author chose it.
    case guest(UInt8)
    /// The guest asked for a reset: 32.
    case reset
    /// The guest crashed: a triple fault, or an instruction that could not be emulated: 33.
    case crash
    /// This signal asked the guest to stop, it did not in time, and was stopped: 128 and the signal's
    /// number, as shells say it; 130 for SIGINT, 143 for SIGTERM.
    case forcedStop(signal: Int32)
    /// The command line is wrong: 64, `EX_USAGE`.
    case usage
    /// A kernel, initrd or specification was read and is no good: 65, `EX_DATAERR`.
    case dataError
    /// A file is missing or unreadable: 66, `EX_NOINPUT`.
    case noInput
    /// This host cannot run machines: no /dev/kvm, or it lacks something: 69, `EX_UNAVAILABLE`.
    case unavailable
    /// Roost itself is at fault: 70, `EX_SOFTWARE`.
    case software
    /// A system call failed that should not: 71, `EX_OSERR`.
    case osError
    /// An output file cannot be created: 73, `EX_CANTCREAT`.
    case cantCreate
    /// Reading or writing failed, a full disk for one: 74, `EX_IOERR`.
    case ioError
    /// It may work another time: the name is in use: 75, `EX_TEMPFAIL`.
    case tempFail
    /// This user may not do that, open /dev/kvm for one: 77, `EX_NOPERM`.
    case noPermission

    /// The status for exit(3), 0 to 255.
    public var status: Int32 {
        switch self {
        case .powerOff: 0
        case .guest(let value): Int32(value)
        case .reset: 32
        case .crash: 33
        case .forcedStop(let signal): 128 &+ (signal & 0x7F)
        case .usage: 64
        case .dataError: 65
        case .noInput: 66
        case .unavailable: 69
        case .software: 70
        case .osError: 71
        case .cantCreate: 73
        case .ioError: 74
        case .tempFail: 75
        case .noPermission: 77
        }
    }
}
