internal import Glibc
internal import HostSystem

/// A socket that sends and receives an interface's frames as they are: packet(7).
public final class PacketSocket {
    private let descriptor: OwnedDescriptor

    /// - Parameters:
    ///   - interface: its name.
    ///   - hasHeaders: whether a virtio network header of 10 bytes stands in front of each frame.
    public init(_ interface: String, hasHeaders: Bool = false) throws {
        descriptor = OwnedDescriptor(
            takingOver: try checked(
                socket(AF_PACKET, Int32(SOCK_RAW.rawValue), Int32(UInt16(0x0003).bigEndian)),
                "open a packet socket"))
        // SAFETY: a C string for the length of the call.
        let index = unsafe if_nametoindex(interface)
        // struct sockaddr_ll: AF_PACKET, ETH_P_ALL in network order, the interface, nothing more.
        var address = [UInt8](repeating: 0, count: 20)
        address[0] = 17
        address[3] = 3
        for byte in 0..<4 { address[4 + byte] = UInt8(truncatingIfNeeded: index >> (8 * UInt32(byte))) }
        let bound = unsafe address.withUnsafeBytes { bytes in
            // SAFETY: the bytes are a whole sockaddr_ll; bind(2) only reads them.
            unsafe bytes.baseAddress.map { start in
                unsafe bind(descriptor.number, start.assumingMemoryBound(to: sockaddr.self), 20)
            } ?? -1
        }
        guard bound == 0 else { throw SystemError("bind a packet socket to \(interface)", number: errno) }
        // SOL_PACKET, PACKET_VNET_HDR
        if hasHeaders { try set(263, 15, Int32(1)) }
        // What does not come within so many seconds is lost.
        try set(SOL_SOCKET, SO_RCVTIMEO, timeval(tv_sec: 5, tv_usec: 0))
        try set(SOL_SOCKET, SO_RCVBUF, Int32(4 << 20))
    }

    private func set<Value: BitwiseCopyable>(_ level: Int32, _ option: Int32, _ value: Value) throws {
        var value = value
        let size = socklen_t(MemoryLayout<Value>.size)
        // SAFETY: the value is `size` bytes.
        let result = unsafe setsockopt(descriptor.number, level, option, &value, size)
        guard result == 0 else { throw SystemError("set a packet socket's option \(option)", number: errno) }
    }

    /// Sends a frame.
    public func send(_ frame: [UInt8]) throws {
        try DescriptorIO.writeAll(descriptor.number, frame)
    }

    /// The next frame; nil if none comes.
    public func receive() throws -> [UInt8]? {
        try DescriptorIO.read(descriptor.number, limit: 70_000)
    }
}
