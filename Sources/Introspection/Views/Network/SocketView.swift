/// The guest's sockets: TCP, UDP and UNIX, of all network namespaces, as `ss -tunxap` shows them.
public struct SocketView {
    private let kernel: Kernel
    private let tables: SocketTables
    private let owners: SocketOwners?
    private let fields: SocketFields
    private let unixFields: UnixSocketFields?

    /// More sockets than any guest of ours has memory for.
    private static let mostSockets = 4_194_304

    /// - Throws: `missing` if the kernel has no network.
    public init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        tables = try SocketTables(kernel)
        owners = try? SocketOwners(kernel)
        fields = try SocketFields(kernel)
        unixFields = try? UnixSocketFields(kernel)
    }

    /// All sockets: TCP first, then UDP, then UNIX, each in the order of the kernel's tables.
    ///
    /// - Parameter withOwners: look for the processes too, which reads every process's open files.
    public func read(withOwners: Bool = true) throws(IntrospectionError) -> [SocketRow] {
        let namespaces = try tables.namespaces()
        var rows: [SocketRow] = []
        var sockets: [VirtualAddress?] = []
        // A socket that is just moved from one chain to another may be met twice.
        var seen: Set<VirtualAddress> = []
        func add(_ place: VirtualAddress, _ read: (VirtualAddress) throws(ReadError) -> SocketRow?)
            throws(ReadError)
        {
            guard seen.count < Self.mostSockets else { throw .tooMuch }
            guard seen.insert(place).inserted, let row = try read(place) else { return }
            rows.append(row)
            sockets.append(row.inode == nil ? nil : try fields.file(of: place))
        }
        try tables.tcp(namespaces) { place throws(ReadError) in
            try add(place) { place throws(ReadError) in try fields.tcp(place) }
        }
        try tables.udp(namespaces) { place throws(ReadError) in
            try add(place) { place throws(ReadError) in try fields.udp(place) }
        }
        if let unixFields {
            try tables.unix(namespaces) { place throws(ReadError) in
                try add(place) { place throws(ReadError) in try unixFields.row(place, fields) }
            }
        }
        guard withOwners, let owners else { return rows }
        let found = try reading { () throws(ReadError) in
            try owners.owners(of: Set(sockets.compactMap { $0 }))
        }
        for (index, socket) in sockets.enumerated() {
            guard let socket else { continue }
            rows[index].owners = found[socket] ?? []
        }
        return rows
    }
}
