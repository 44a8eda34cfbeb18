internal import CLinux
internal import Glibc
internal import HostSystem

/// A network of a test's own.
public enum NetworkNamespace {
    /// Whether this process may make one: only root may.
    public static var isAvailable: Bool {
        // SAFETY: a C string for the length of the call.
        unsafe geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0
    }
    /// What to say if it may not.
    public static let notAvailable = "needs root and /dev/net/tun"

    /// Runs something with this thread in a new network namespace, where nothing is but a loopback
    /// interface that is down. Processes started meanwhile are in it too.
    public static func run<Result>(_ body: () throws -> Result) throws -> Result {
        let home = try OwnedDescriptor.open("/proc/thread-self/ns/net", O_RDONLY)
        try checked(clinux_unshare_network(), "make a network namespace")
        defer {
            // A thread that is in the wrong place must not go on.
            precondition(clinux_enter_network(home.number) == 0)
        }
        // Interfaces that come up are then silent.
        if let setting = try? OwnedDescriptor.open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY) {
            try DescriptorIO.writeAll(setting.number, [UInt8(ascii: "1")])
        }
        return try body()
    }

    /// Whether there is an interface of this name.
    public static func hasInterface(_ name: String) -> Bool {
        // SAFETY: a C string for the length of the call.
        unsafe if_nametoindex(name) != 0
    }

    /// Makes a tap that stays until the namespace is gone or it is removed, and that is down.
    public static func makeTap(_ name: String) throws {
        let descriptor = try OwnedDescriptor.open("/dev/net/tun", O_RDWR)
        // SAFETY: a C string for the length of the call.
        try checked(unsafe clinux_tap_attach(descriptor.number, name), "make the tap \(name)")
        try checked(clinux_tap_set_persistent(descriptor.number, 1), "keep the tap \(name)")
    }

    /// `ip link set … up`.
    public static func bringUp(_ name: String) throws {
        // SAFETY: a C string for the length of the call.
        try checked(unsafe clinux_interface_bring_up(name), "bring up \(name)")
    }

    /// `ip link set … mtu …`.
    public static func setMTU(_ mtu: Int, of name: String) throws {
        // SAFETY: a C string for the length of the call.
        try checked(unsafe clinux_interface_set_mtu(name, Int32(mtu)), "set the MTU of \(name)")
    }

    /// `ip link delete`.
    public static func remove(_ name: String) throws {
        let netlink = OwnedDescriptor(
            takingOver: try checked(socket(AF_NETLINK, Int32(SOCK_RAW.rawValue), 0), "open netlink"))
        // SAFETY: a C string for the length of the call.
        let index = unsafe if_nametoindex(name)
        // struct nlmsghdr: length, RTM_DELLINK, NLM_F_REQUEST | NLM_F_ACK, sequence, port; struct ifinfomsg.
        let words: [UInt32] = [32, 17 | 5 << 16, 1, 0, 0, index, 0, 0]
        let message = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        try DescriptorIO.writeAll(netlink.number, message)
        // struct nlmsgerr behind the header: 0, or a negated error number.
        let answer = try DescriptorIO.read(netlink.number, limit: 4096) ?? []
        let error = answer.count >= 20 ? answer[16..<20].reversed().reduce(0) { $0 << 8 | UInt32($1) } : 0
        try checked(Int32(bitPattern: error), "remove \(name)")
    }
}
