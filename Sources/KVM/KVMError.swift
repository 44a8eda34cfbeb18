public import HostSystem

/// What can go wrong with the kernel's virtual machines.
public enum KVMError: Error, Equatable, CustomStringConvertible {
    /// `/dev/kvm` cannot be used at all; the advice says what the user can do.
    case unavailable(SystemError)
    /// The kernel speaks another version of the interface than 12, the only one since 2007.
    case wrongVersion(Int)
    /// The kernel lacks what Roost cannot do without.
    case missing([Capability])
    /// A call failed.
    case call(SystemError)

    /// One sentence for people.
    public var description: String {
        switch self {
        case .unavailable(let error), .call(let error):
            return error.description
        case .wrongVersion(let version):
            return "/dev/kvm speaks version \(version) of the KVM interface; Roost needs version 12"
        case .missing(let capabilities):
            let names = capabilities.map { "\($0.name) (\($0.purpose))" }.joined(separator: ", ")
            return "this host's KVM lacks \(names); a newer kernel is needed"
        }
    }
}
