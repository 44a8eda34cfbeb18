/// Members of `struct unix_sock`.
struct UnixSocketFields {
    private let kernel: Kernel
    private let address: Field
    private let peer: Field
    private let length: Field
    private let name: Field
    private let type: Field
    private let queue: Field
    private let queueLength: Field
    private let bufferLength: Field
    private let consumed: Int?

    /// sizeof(sockaddr_un): two bytes of family and 108 of path.
    private static let mostPath = 108
    private static let familySize = 2
    /// SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET.
    private static let kinds: [Int64: SocketRow.Kind] = [1: .unixStream, 2: .unixDatagram, 5: .unixSequenced]
    private static let mostBuffers = 1_000_000

    init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        let types = try kernel.types()
        address = try types.required("addr", of: "unix_sock")
        peer = try types.required("peer", of: "unix_sock")
        length = try types.required("len", of: "unix_address")
        name = try types.required("name", of: "unix_address")
        type = try types.required("sk_type", of: "sock")
        queue = try types.required("sk_receive_queue", of: "sock")
        queueLength = try types.required("sk_receive_queue.qlen", of: "sock")
        bufferLength = try types.required("len", of: "sk_buff")
        if let control = types.field("cb", of: "sk_buff"),
            let part = types.field("consumed", of: "unix_skb_parms")
        {
            consumed = control.offset + part.offset
        } else {
            consumed = nil
        }
    }

    func row(_ place: VirtualAddress, _ fields: SocketFields) throws(ReadError) -> SocketRow {
        let state = try fields.state(of: place)
        let kind = Self.kinds[try kernel.value(type, at: place)] ?? .unix
        let other = try? kernel.pointer(peer, at: place)
        let isListening = state == SocketFields.listen
        return SocketRow(
            place: place, kind: kind, state: SocketFields.name(ofState: state),
            ends: .unix(
                path: try? path(of: place),
                peer: other.flatMap { $0.isNull ? nil : fields.inode(of: $0) }),
            receiveQueue: isListening
                ? try? kernel.value(queueLength, at: place) : try? waiting(place, kind: kind),
            sendQueue: isListening ? fields.mostWaiting(place) : fields.sendQueue(place),
            inode: fields.inode(of: place), user: fields.user(of: place), owners: [],
            namespace: fields.namespace(of: place))
    }

    /// The name it is bound to, `@` for each zero byte of an abstract one, as /proc/net/unix has it.
    private func path(of place: VirtualAddress) throws(ReadError) -> String? {
        let address = try kernel.pointer(address, at: place)
        guard !address.isNull else { return nil }
        let length = Int(try kernel.value(length, at: address)) - Self.familySize
        guard length > 0 else { return nil }
        let bytes = try kernel.bytes(
            at: address + name.offset + Self.familySize, count: min(length, Self.mostPath))
        guard bytes[0] == 0 else { return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
        return String(decoding: bytes.map { $0 == 0 ? UInt8(ascii: "@") : $0 }, as: UTF8.self)
    }

    /// Bytes that can be read: all of a stream, the next message of other kinds.
    private func waiting(_ place: VirtualAddress, kind: SocketRow.Kind) throws(ReadError) -> Int64 {
        var sum: Int64 = 0
        // The buffers' own links are their first member.
        try kernel.forEach(inListAt: place + queue.offset, offset: 0, limit: Self.mostBuffers) {
            buffer throws(ReadError) in
            let length = Int64(UInt32(truncatingIfNeeded: try kernel.value(bufferLength, at: buffer)))
            var read: UInt32 = 0
            if kind == .unixStream, let consumed {
                read = try kernel.load(UInt32.self, at: buffer + consumed)
            }
            sum += max(0, length - Int64(read))
            return kind != .unixDatagram
        }
        return sum
    }
}
