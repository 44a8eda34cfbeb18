public import Boot
public import HostSystem
public import KVM
public import Specification
public import Virtio

/// Why a machine could not be made, or could not go on for a reason of the host's.
public enum MachineError: Error, Equatable, CustomStringConvertible {
    /// The kernel's KVM.
    case hypervisor(KVMError)
    /// The kernel, initrd or command line is no good.
    case boot(BootError, kernel: String)
    /// An input file is missing or unreadable.
    case input(SystemError)
    /// A disk's image is no good, or somebody else's.
    case disk(DiskImageError)
    /// A network card's tap is not to be had.
    case tap(TapError)
    /// An output file or directory cannot be made.
    case output(SystemError)
    /// The wish is more than this host has or can do.
    case tooMuch(String)
    /// A machine of this name runs.
    case nameInUse(String, directory: String)
    /// A call failed that should not.
    case system(SystemError)
    /// Parts of the machine do not fit each other: a defect of Roost.
    case wiring(String)

    /// One sentence for people.
    public var description: String {
        switch self {
        case .hypervisor(let error): error.description
        case .boot(let error, let kernel): "cannot boot \(kernel): \(error)"
        case .input(let error), .output(let error), .system(let error): error.description
        case .disk(let error): error.description
        case .tap(let error): error.description
        case .tooMuch(let sentence): sentence
        case .nameInUse(let name, let directory):
            "a machine named \(name) is running (\(directory) is locked); choose another --name"
        case .wiring(let sentence): "Roost is put together wrongly: \(sentence)"
        }
    }

    /// The status of the process that has to say this.
    public var exitCode: ExitCode {
        switch self {
        case .hypervisor(.unavailable(let error)) where error.isPermission: .noPermission
        case .hypervisor(.call), .system: .osError
        case .hypervisor, .tooMuch: .unavailable
        case .boot: .dataError
        case .input(let error): error.isPermission ? .noPermission : .noInput
        case .disk(.empty), .disk(.oddSize): .dataError
        case .disk(.locked): .tempFail
        case .disk(.notDirect): .unavailable
        case .disk: .noInput
        case .tap(.noDriver(let error)): error.isPermission ? .noPermission : .unavailable
        case .tap(.absent), .tap(.notPermitted): .noPermission
        case .tap(.busy): .tempFail
        case .tap(.notTap): .noInput
        case .tap(.mtu): .usage
        case .tap(.call): .osError
        case .output(let error): error.isPermission ? .noPermission : .cantCreate
        case .nameInUse: .tempFail
        case .wiring: .software
        }
    }
}
