/// What begins every packet (virtio 1.2, 5.10.6), 44 bytes, little-endian as the host is.
struct VsockPacket: BitwiseCopyable, Equatable {
    var sourceCID: UInt64 = 0
    var destinationCID: UInt64 = 0
    var sourcePort: UInt32 = 0
    var destinationPort: UInt32 = 0
    /// Bytes of data behind the header.
    var length: UInt32 = 0
    /// Kind of socket.
    var kind: UInt16 = VsockPacket.stream
    /// An `VsockOperation`, if it is one.
    var operation: UInt16 = 0
    var flags: UInt32 = 0
    /// What its sender can hold of the stream at a time, in bytes.
    var allocation: UInt32 = 0
    /// What its sender has handed on of the stream so far, in bytes, modulo 2^32.
    var forwarded: UInt32 = 0

    /// Its size in bytes.
    static let size = 44
    /// C constant: `VIRTIO_VSOCK_TYPE_STREAM`.
    static let stream: UInt16 = 1
    /// The context identifier of the host. C constant: `VMADDR_CID_HOST`.
    static let hostCID: UInt64 = 2

    /// The answer to a packet that belongs to no stream.
    var refusal: VsockPacket {
        VsockPacket(
            sourceCID: destinationCID, destinationCID: sourceCID, sourcePort: destinationPort,
            destinationPort: sourcePort, operation: VsockOperation.reset.rawValue)
    }
}

/// What a packet is for (virtio 1.2, 5.10.6).
enum VsockOperation: UInt16 {
    case request = 1
    case response = 2
    case reset = 3
    case shutdown = 4
    case data = 5
    case creditUpdate = 6
    case creditRequest = 7
}

/// What a packet's sender does no more (virtio 1.2, 5.10.6.5). Bits of `VsockPacket.flags`.
struct VsockShutdown: OptionSet {
    let rawValue: UInt32
    static let receive = VsockShutdown(rawValue: 1)
    static let send = VsockShutdown(rawValue: 2)
    static let both: VsockShutdown = [.receive, .send]
}
