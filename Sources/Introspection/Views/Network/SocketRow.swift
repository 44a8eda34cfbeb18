/// A socket.
public struct SocketRow: ViewRow {
    /// What kind of socket, by the names that ss(8) has.
    public enum Kind: String, Sendable {
        case tcp
        case udp
        case unixStream = "u_str"
        case unixDatagram = "u_dgr"
        case unixSequenced = "u_seq"
        case unix
    }

    /// What it connects.
    public enum Ends: Hashable, Sendable {
        /// Endpoints of the internet protocol.
        case internet(local: InternetEndpoint, remote: InternetEndpoint)
        /// A path, `@` before an abstract name, nil for none; and the inode of the peer.
        case unix(path: String?, peer: UInt64?)
    }

    /// The kernel's `struct sock`.
    public let place: VirtualAddress
    /// What kind of socket.
    public let kind: Kind
    /// The protocol's state, by the names that ss(8) has.
    public let state: String
    /// What it connects.
    public let ends: Ends
    /// Bytes that wait to be read; of a listening socket, connections that wait to be accepted.
    public let receiveQueue: Int64?
    /// Bytes that are not acknowledged; of a listening socket, how many connections may wait.
    public let sendQueue: Int64?
    /// The inode of its file; nil if no file is left.
    public let inode: UInt64?
    /// The user who made it.
    public let user: UInt32?
    /// Which processes have it open.
    public var owners: [SocketOwner]
    /// The inode of its network namespace.
    public let namespace: UInt64?

    /// What a table shows of it.
    public static let columns = [
        ViewColumn("NETID", "kind"), ViewColumn("STATE", "state"),
        ViewColumn("RECV-Q", "receiveQueue", isNumber: true),
        ViewColumn("SEND-Q", "sendQueue", isNumber: true), ViewColumn("LOCAL", "local"),
        ViewColumn("PEER", "peer"), ViewColumn("INODE", "inode", isNumber: true),
        ViewColumn("UID", "uid", isNumber: true), ViewColumn("PROCESS", "processes"),
        ViewColumn("", "netns"),
    ]
    /// The values, in the order of the columns.
    public var cells: [ViewValue] {
        let local: ViewValue
        let peer: ViewValue
        switch ends {
        case .internet(let near, let far):
            local = .text(near.description)
            peer = .text(far.description)
        case .unix(let path, let inode):
            local = path.map { .text($0) } ?? .none
            peer = inode.map { .number(Int64(clamping: $0)) } ?? .none
        }
        func number(_ value: Int64?) -> ViewValue { value.map { .number($0) } ?? .none }
        return [
            .text(kind.rawValue), .text(state), number(receiveQueue), number(sendQueue), local, peer,
            number(inode.map { Int64(clamping: $0) }), number(user.map { Int64($0) }),
            .list(owners.map(\.value)), number(namespace.map { Int64(clamping: $0) }),
        ]
    }
    /// What makes it the same thing in a later look.
    public var identity: VirtualAddress { place }
    /// What does not change as it is looked at.
    public var settled: [String] {
        [kind.rawValue, state, "\(ends)", "\(inode ?? 0)"]
    }
}

/// A process that has a socket open.
public struct SocketOwner: Hashable, Sendable {
    /// Its number.
    public let process: Int
    /// Its name.
    public let name: String
    /// The file descriptor.
    public let descriptor: Int

    var value: ViewValue {
        .record([
            ViewField("pid", .number(Int64(process))), ViewField("command", .text(name)),
            ViewField("fd", .number(Int64(descriptor))),
        ])
    }
}
