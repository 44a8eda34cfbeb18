internal import CLinux
public import Glibc

/// What the reader of a tap takes: frames whose checksum is yet to be made, and packets too large for
/// the wire that are yet to be cut. The bits of TUNSETOFFLOAD.
public struct TapOffloads: OptionSet, Sendable, Hashable {
    /// The bits.
    public let rawValue: UInt32

    /// By the bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Checksums are left to the reader; the others need it. C constant: `TUN_F_CSUM`.
    public static let checksum = TapOffloads(rawValue: 0x01)
    /// Large TCP packets over IPv4. C constant: `TUN_F_TSO4`.
    public static let tcp4 = TapOffloads(rawValue: 0x02)
    /// Large TCP packets over IPv6. C constant: `TUN_F_TSO6`.
    public static let tcp6 = TapOffloads(rawValue: 0x04)
    /// Large TCP packets with congestion marks. C constant: `TUN_F_TSO_ECN`.
    public static let congestion = TapOffloads(rawValue: 0x08)
    /// Many UDP packets in one, over IPv4 and IPv6, since Linux 6.2. C constants: `TUN_F_USO4`, `TUN_F_USO6`.
    public static let udp = TapOffloads(rawValue: 0x60)
}

/// A tap: a network interface of the host whose other end this process reads and writes, frame by frame
/// and without waiting. Each frame stands behind a virtio network header of 12 bytes.
///
/// A tap that exists (`ip tuntap add`) is used as it is. One that does not is made, brought up, and gone
/// with this handle, whatever way the process ends.
public struct TapInterface: ~Copyable, Sendable {
    /// The descriptor, for waiting on it with others.
    public let descriptor: OwnedDescriptor
    /// The interface's name.
    public let name: String
    /// Whether it was made here.
    public let isOwn: Bool
    /// The largest packet in bytes, without its Ethernet header, when it was opened.
    public let mtu: Int
    /// Whether this kernel's taps know large UDP packets.
    public let knowsLargeUDP: Bool

    /// The bytes in front of each frame (virtio 1.2, 5.1.6): with the number of buffers, which the tap
    /// leaves as it finds it.
    public static let headerSize = 12

    /// Attaches to a tap, or makes it.
    ///
    /// - Parameters:
    ///   - name: a name that Linux takes as it is: 1 to 15 bytes.
    ///   - mtu: what a tap that is made here gets; nil for 1500.
    public static func open(_ name: String, mtu: Int? = nil) throws(TapError) -> TapInterface {
        let descriptor: OwnedDescriptor
        do {
            descriptor = try OwnedDescriptor.open("/dev/net/tun", O_RDWR | O_NONBLOCK)
        } catch {
            throw .noDriver(
                SystemError(error.operation, number: error.number, advice: advice(for: error)))
        }
        // SAFETY: a C string for the length of the call.
        let exists = unsafe if_nametoindex(name) != 0
        // SAFETY: as above.
        let result = unsafe clinux_tap_attach(descriptor.number, name)
        switch -result {
        case EPERM: throw exists ? .notPermitted(name) : .absent(name)
        case EBUSY: throw .busy(name)
        case EINVAL where exists: throw .notTap(name)
        case EPERM...: throw .call(SystemError("use the tap \(name)", number: result))
        default: break
        }
        let isOwn = clinux_tap_is_persistent(descriptor.number) == 0
        // SAFETY: as above.
        if isOwn, let mtu, unsafe clinux_interface_set_mtu(name, Int32(clamping: mtu)) == -EINVAL {
            throw .mtu(name, mtu)
        }
        do {
            return try TapInterface(attached: descriptor, name, isOwn: isOwn)
        } catch {
            throw .call(error)
        }
    }

    private init(attached descriptor: consuming OwnedDescriptor, _ name: String, isOwn: Bool)
        throws(SystemError)
    {
        let number = descriptor.number
        if isOwn {
            // SAFETY: a C string for the length of the call.
            try checked(unsafe clinux_interface_bring_up(name), "bring up the tap \(name)")
        }
        try checked(
            clinux_tap_set_header_size(number, Int32(Self.headerSize)), "set the header of the tap \(name)")
        let largeUDP: TapOffloads = [.checksum, .udp]
        let knowsLargeUDP = clinux_tap_set_offloads(number, largeUDP.rawValue) == 0
        // The last to use it may have left what it took.
        try checked(clinux_tap_set_offloads(number, 0), "set the offloads of the tap \(name)")
        // SAFETY: as above.
        let mtu = try checked(unsafe clinux_interface_mtu(name), "ask for the MTU of the tap \(name)")
        // All at once: what cannot be copied is not made by halves.
        self.descriptor = descriptor
        self.mtu = Int(mtu)
        self.knowsLargeUDP = knowsLargeUDP
        self.name = name
        self.isOwn = isOwn
    }

    private static func advice(for error: SystemError) -> String? {
        switch error.number {
        case ENOENT, ENODEV, ENXIO: "load the kernel's module for taps, `modprobe tun`"
        case EACCES, EPERM: "it is to be open to everybody, `chmod 666 /dev/net/tun` as root"
        default: nil
        }
    }
}

extension TapInterface {
    /// Says what the reader takes from now on. Frames on their way are as they were.
    public borrowing func setOffloads(_ offloads: TapOffloads) throws(SystemError) {
        try checked(
            clinux_tap_set_offloads(descriptor.number, offloads.rawValue),
            "set the offloads of the tap \(name)")
    }

    /// Whether the interface was removed: nothing comes or goes any more.
    public var isGone: Bool { clinux_tap_is_persistent(descriptor.number) == -EBADFD }

    /// Reads a frame into segments; what is longer than these is cut off.
    ///
    /// - Returns: its bytes, or a negated error number: EAGAIN if there is none.
    @unsafe
    public borrowing func read(_ segments: UnsafePointer<iovec>, count: Int) -> Int {
        // SAFETY: the caller vouches for the segments.
        unsafe clinux_readv(descriptor.number, segments, Int32(truncatingIfNeeded: count))
    }

    /// Writes a frame out of segments.
    ///
    /// - Returns: its bytes, or a negated error number: EAGAIN if it must wait, EINVAL if the kernel does
    ///   not take such a frame, EIO while the interface is down.
    @unsafe
    public borrowing func write(_ segments: UnsafePointer<iovec>, count: Int) -> Int {
        // SAFETY: the caller vouches for the segments.
        unsafe clinux_writev(descriptor.number, segments, Int32(truncatingIfNeeded: count))
    }

    /// Throws waiting frames away.
    ///
    /// - Parameter limit: at most so many.
    public borrowing func discard(atMost limit: Int) {
        var bytes = InlineArray<64, UInt8>(repeating: 0)
        for _ in 0..<limit {
            // SAFETY: the buffer is 64 bytes; the rest of a frame is cut off.
            guard unsafe clinux_read(descriptor.number, &bytes, 64) >= 0 else { return }
        }
    }
}
