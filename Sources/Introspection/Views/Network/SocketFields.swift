/// Members of `struct sock` and what lies in it for TCP and UDP.
struct SocketFields {
    private let kernel: Kernel
    private let family: Field
    private let state: Field
    private let localPort: Field
    private let remotePort: Field
    private let local4: Field
    private let remote4: Field
    private let local6: Field?
    private let remote6: Field?
    private let net: Field?
    private let namespaceNumber: Field?
    private let socket: Field
    private let user: Field?
    private let receiveMemory: Field?
    private let sendMemory: Field?
    private let waiting: Field?
    private let mostWaiting: Field?
    private let inodeOffset: Int
    private let inodeNumber: Field
    private let tcpQueues: (received: Field, copied: Field, written: Field, acknowledged: Field)?
    private let udpDeficit: Field?

    /// AF_INET and AF_INET6.
    private static let version4 = 2
    private static let version6 = 10

    /// States by TCP's numbers (include/net/tcp_states.h), which the other protocols use too.
    private static let stateNames = [
        "?", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN", "CLOSE-WAIT",
        "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECV", "BOUND",
    ]
    private static let timeWait = 6
    static let listen = 10
    private static let request = 12

    init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        let types = try kernel.types()
        family = try types.required("skc_family", of: "sock_common")
        state = try types.required("skc_state", of: "sock_common")
        localPort = try types.required("skc_num", of: "sock_common")
        remotePort = try types.required("skc_dport", of: "sock_common")
        local4 = try types.required("skc_rcv_saddr", of: "sock_common")
        remote4 = try types.required("skc_daddr", of: "sock_common")
        local6 = types.field("skc_v6_rcv_saddr", of: "sock_common")
        remote6 = types.field("skc_v6_daddr", of: "sock_common")
        net = types.field("skc_net.net", of: "sock_common")
        namespaceNumber = types.field("ns.inum", of: "net")
        socket = try types.required("sk_socket", of: "sock")
        user = types.field("sk_uid", of: "sock")
        receiveMemory = types.field("sk_backlog.rmem_alloc", of: "sock")
        sendMemory = types.field("sk_wmem_alloc", of: "sock")
        waiting = types.field("sk_ack_backlog", of: "sock")
        mostWaiting = types.field("sk_max_ack_backlog", of: "sock")
        let embedded = try types.required("socket", of: "socket_alloc")
        inodeOffset = try types.required("vfs_inode", of: "socket_alloc").offset - embedded.offset
        inodeNumber = try types.required("i_ino", of: "inode")
        if let received = types.field("rcv_nxt", of: "tcp_sock"),
            let copied = types.field("copied_seq", of: "tcp_sock"),
            let written = types.field("write_seq", of: "tcp_sock"),
            let acknowledged = types.field("snd_una", of: "tcp_sock")
        {
            tcpQueues = (received, copied, written, acknowledged)
        } else {
            tcpQueues = nil
        }
        udpDeficit = types.field("forward_deficit", of: "udp_sock")
    }

    func tcp(_ place: VirtualAddress) throws(ReadError) -> SocketRow? {
        guard let ends = try ends(of: place) else { return nil }
        let state = try state(of: place)
        // Those two are smaller than a `struct sock`: what lies behind them is something else's.
        if state == Self.timeWait || state == Self.request {
            return row(place, .tcp, state, ends, receive: 0, send: 0, isWhole: false)
        }
        if state == Self.listen {
            return row(
                place, .tcp, state, ends, receive: value(waiting, place), send: value(mostWaiting, place))
        }
        guard let queues = tcpQueues else {
            return row(place, .tcp, state, ends, receive: nil, send: nil)
        }
        // Sequence numbers wrap. A FIN counts one that nobody reads: never less than nothing.
        func difference(_ end: Field, _ start: Field) throws(ReadError) -> Int64 {
            let end = UInt32(truncatingIfNeeded: try kernel.value(end, at: place))
            let start = UInt32(truncatingIfNeeded: try kernel.value(start, at: place))
            return max(0, Int64(Int32(bitPattern: end &- start)))
        }
        return row(
            place, .tcp, state, ends, receive: try difference(queues.received, queues.copied),
            send: try difference(queues.written, queues.acknowledged))
    }

    func udp(_ place: VirtualAddress) throws(ReadError) -> SocketRow? {
        guard let ends = try ends(of: place) else { return nil }
        let taken = udpDeficit.flatMap { try? kernel.value($0, at: place) } ?? 0
        return row(
            place, .udp, try state(of: place), ends,
            receive: value(receiveMemory, place).map { max(0, $0 &- taken) }, send: sendQueue(place))
    }

    /// What is allocated for sending; one is the socket's own reference.
    func sendQueue(_ place: VirtualAddress) -> Int64? {
        value(sendMemory, place).map { max(0, $0 &- 1) }
    }

    /// How many connections may wait.
    func mostWaiting(_ place: VirtualAddress) -> Int64? { value(mostWaiting, place) }

    /// A state's name, or its number if it has none.
    static func name(ofState state: Int) -> String {
        stateNames.indices.contains(state) ? stateNames[state] : "\(state)"
    }

    func state(of place: VirtualAddress) throws(ReadError) -> Int { Int(try kernel.value(state, at: place)) }

    /// The `struct socket`; null if no file is left.
    func file(of place: VirtualAddress) throws(ReadError) -> VirtualAddress {
        try kernel.pointer(socket, at: place)
    }

    func inode(of place: VirtualAddress) -> UInt64? {
        guard let file = try? file(of: place), !file.isNull,
            let number = try? kernel.value(inodeNumber, at: file + inodeOffset)
        else { return nil }
        return UInt64(bitPattern: number)
    }

    func user(of place: VirtualAddress) -> UInt32? {
        value(user, place).map { UInt32(truncatingIfNeeded: $0) }
    }

    func namespace(of place: VirtualAddress) -> UInt64? {
        guard let net, let namespaceNumber, let namespace = try? kernel.pointer(net, at: place),
            let number = value(namespaceNumber, namespace)
        else { return nil }
        return UInt64(bitPattern: number) & 0xFFFF_FFFF
    }

    private func value(_ field: Field?, _ place: VirtualAddress) -> Int64? {
        field.flatMap { try? kernel.value($0, at: place) }
    }

    private func row(
        _ place: VirtualAddress, _ kind: SocketRow.Kind, _ state: Int, _ ends: SocketRow.Ends,
        receive: Int64?, send: Int64?, isWhole: Bool = true
    ) -> SocketRow {
        SocketRow(
            place: place, kind: kind,
            state: Self.name(ofState: state),
            ends: ends, receiveQueue: receive, sendQueue: send, inode: isWhole ? inode(of: place) : nil,
            user: isWhole ? user(of: place) : nil, owners: [], namespace: namespace(of: place))
    }

    private func ends(of place: VirtualAddress) throws(ReadError) -> SocketRow.Ends? {
        let family = Int(try kernel.value(family, at: place))
        let near: Field
        let far: Field
        switch family {
        case Self.version4: (near, far) = (local4, remote4)
        case Self.version6:
            guard let local6, let remote6 else { return nil }
            (near, far) = (local6, remote6)
        default: return nil
        }
        let length = family == Self.version4 ? 4 : 16
        func endpoint(_ field: Field, _ port: UInt16) throws(ReadError) -> InternetEndpoint {
            InternetEndpoint(
                address: InternetAddress(try kernel.bytes(at: place + field.offset, count: length)),
                port: port)
        }
        let localPort = UInt16(truncatingIfNeeded: try kernel.value(localPort, at: place))
        // In network order, unlike the other.
        let remotePort = UInt16(truncatingIfNeeded: try kernel.value(remotePort, at: place)).byteSwapped
        return .internet(local: try endpoint(near, localPort), remote: try endpoint(far, remotePort))
    }
}
