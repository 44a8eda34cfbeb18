internal import Glibc
internal import HostSystem

/// A UDP socket of the host, which talks with guests at 10.77.0.2.
public final class DatagramSocket {
    private let descriptor: OwnedDescriptor

    /// - Parameter port: its own.
    public init(port: UInt16) throws {
        descriptor = OwnedDescriptor(
            takingOver: try checked(
                socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0), "open a datagram socket"))
        var address = Self.address([0, 0, 0, 0], port)
        // SAFETY: a whole sockaddr_in, for the length of the call.
        let bound = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor.number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard bound == 0 else { throw SystemError("bind a datagram socket", number: errno) }
        // What does not come within so many seconds is lost.
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        // SAFETY: the value is as long as said.
        let result = unsafe setsockopt(
            descriptor.number, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        guard result == 0 else { throw SystemError("set a datagram socket's patience", number: errno) }
    }

    private static func address(_ host: [UInt8], _ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = host.reversed().reduce(0) { $0 << 8 | UInt32($1) }
        return address
    }

    /// Sends to the guest.
    public func send(_ bytes: [UInt8], toPort port: UInt16) throws {
        var address = Self.address([10, 77, 0, 2], port)
        // SAFETY: a whole sockaddr_in and the bytes, for the length of the call.
        let sent = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bytes.withUnsafeBytes { bytes in
                    unsafe sendto(
                        descriptor.number, bytes.baseAddress, bytes.count, 0, address,
                        socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        guard sent == bytes.count else { throw SystemError("send a datagram", number: errno) }
    }

    /// The next datagram; nil if none comes.
    public func receive() throws -> [UInt8]? {
        try DescriptorIO.read(descriptor.number, limit: 70_000)
    }

    /// A datagram that begins with a number and its complement, as `netbench` wants it; at least 16 bytes.
    public static func numbered(_ number: UInt64, size: Int) -> [UInt8] {
        let words = [number, ~number]
        let head = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }
        return head + (head.count..<size).map { UInt8(truncatingIfNeeded: $0 &* 11 &+ Int(number)) }
    }
}
