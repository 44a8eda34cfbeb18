internal import CLinux
internal import Glibc
internal import HostSystem

/// A network namespace that ends with this process, in which a tap stands ready: nothing of the host's network is
/// touched, and nothing can stay behind.
struct IsolatedNetwork {
    static let tap = "bench0"
    static let hostAddress: (UInt8, UInt8, UInt8, UInt8) = (10, 77, 0, 1)
    static let guestAddress: (UInt8, UInt8, UInt8, UInt8) = (10, 77, 0, 2)
    static let port: UInt16 = 7777

    /// Moves this process into one, and its children from now on.
    init(mtu: Int) throws {
        let result = clinux_unshare_network()
        guard result == 0 else {
            let error = SystemError("enter a network of its own", number: -result)
            throw BenchmarkError.unavailable("\(error) (this takes root, or CAP_SYS_ADMIN)")
        }
        for words in [
            ["link", "set", "lo", "up"],
            ["tuntap", "add", "dev", Self.tap, "mode", "tap", "vnet_hdr"],
            ["link", "set", Self.tap, "mtu", "\(mtu)", "txqueuelen", "1000"],
            ["addr", "add", "10.77.0.1/24", "dev", Self.tap],
            ["link", "set", Self.tap, "up"],
        ] {
            var process = try ChildProcess(Command(words: ["/sbin/ip"] + words))
            let status = try process.reap().status
            guard status == 0 else {
                throw BenchmarkError.unavailable(
                    "ip \(words.joined(separator: " ")) ended with status \(status)")
            }
        }
    }

    /// Frames the guest has sent through the tap so far.
    func framesFromGuest() throws -> Double {
        let file = try OwnedDescriptor.open("/proc/net/dev", O_RDONLY)
        let text = String(decoding: try DescriptorIO.readAll(file.number, limit: 1 << 16), as: UTF8.self)
        for line in text.split(separator: "\n") {
            let words = line.split(whereSeparator: { $0 == " " || $0 == ":" })
            if words.count > 2, words[0] == Self.tap, let frames = Double(String(words[2])) { return frames }
        }
        throw BenchmarkError.unavailable("/proc/net/dev has no line for \(Self.tap)")
    }
}

/// A datagram socket of the host's side, bound, and connected to the guest's.
struct DatagramSocket: ~Copyable {
    private let descriptor: OwnedDescriptor

    private init(takingOver descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    static func open() throws(SystemError) -> DatagramSocket {
        let number = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError("make a socket", number: errno) }
        let descriptor = OwnedDescriptor(takingOver: number)
        // SAFETY: both are called with an address and its size.
        try unsafe Self.call("bind a socket", number, IsolatedNetwork.hostAddress, Glibc.bind)
        try unsafe Self.call("connect a socket", number, IsolatedNetwork.guestAddress, Glibc.connect)
        return DatagramSocket(takingOver: descriptor)
    }

    private static func call(
        _ what: String, _ number: Int32, _ address: (UInt8, UInt8, UInt8, UInt8),
        _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SystemError) {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = IsolatedNetwork.port.bigEndian
        name.sin_addr.s_addr =
            UInt32(address.0) | UInt32(address.1) << 8 | UInt32(address.2) << 16 | UInt32(address.3) << 24
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        // SAFETY: the structure is ours, and its size is that of an IPv4 address; both calls only read it.
        let result = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe function(number, $0, size)
            }
        }
        guard result == 0 else { throw SystemError(what, number: errno) }
    }

    /// Sends it. False if there was no room, or nobody there.
    func send(_ payload: [UInt8]) -> Bool {
        // SAFETY: pointer and count describe one buffer.
        unsafe payload.withUnsafeBytes { unsafe Glibc.send(descriptor.number, $0.baseAddress, $0.count, 0) }
            > 0
    }
}
