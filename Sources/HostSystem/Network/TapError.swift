internal import Glibc

/// Why a tap cannot be had.
public enum TapError: Error, Equatable, CustomStringConvertible {
    /// `/dev/net/tun` cannot be opened.
    case noDriver(SystemError)
    /// It does not exist, and this user may not make it.
    case absent(String)
    /// It exists, and this user may not use it.
    case notPermitted(String)
    /// Another process has it.
    case busy(String)
    /// An interface of this name exists that is no tap with one queue.
    case notTap(String)
    /// A tap that is made here cannot have this MTU.
    case mtu(String, Int)
    /// A call failed that should not.
    case call(SystemError)

    /// One sentence for people, with what to do.
    public var description: String {
        switch self {
        case .noDriver(let error): error.description
        case .absent(let name):
            "the tap \(name) does not exist, and making it needs CAP_NET_ADMIN; "
                + "as root: `ip tuntap add dev \(name) mode tap user YOU`"
        case .notPermitted(let name):
            "the tap \(name) belongs to another user; as root, make it with `ip tuntap add dev \(name) mode tap user YOU`"
        case .busy(let name):
            "the tap \(name) is in use by another process; end that, or choose another tap"
        case .notTap(let name):
            "the interface \(name) is not a tap with one queue; make one with `ip tuntap add dev NAME mode tap`"
        case .mtu(let name, let mtu):
            "the tap \(name) cannot have an MTU of \(mtu); a tap's is at most 65521 bytes"
        case .call(let error): error.description
        }
    }
}
