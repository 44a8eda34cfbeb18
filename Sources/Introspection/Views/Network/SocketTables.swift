/// The kernel's tables of sockets: where each `struct sock` of a family is found.
struct SocketTables {
    private let kernel: Kernel
    private let types: TypeTable

    /// Tables have a bucket for some KiB of memory; 16 Mi at most (alloc_large_system_hash).
    private static let mostBuckets = 1 << 24
    /// UNIX_HASH_SIZE, twice: by name and by number.
    private static let unixBuckets = 512
    private static let mostNamespaces = 65_536
    /// Chains have some hundred sockets on a busy server.
    private static let longestChain = 65_536

    init(_ kernel: Kernel) throws(IntrospectionError) {
        self.kernel = kernel
        types = try kernel.types()
    }

    /// Every `struct net`, the first one first.
    func namespaces() throws(IntrospectionError) -> [VirtualAddress] {
        let first = try kernel.address(of: "init_net")
        guard let head = kernel.symbols.address(of: "net_namespace_list"),
            let list = types.field("list", of: "net")
        else { return [first] }
        return try reading { () throws(ReadError) in
            var found = [first]
            try kernel.forEach(inListAt: head, offset: list.offset, limit: Self.mostNamespaces) {
                namespace throws(ReadError) in
                if namespace != first { found.append(namespace) }
                return true
            }
            return found
        }
    }

    // MARK: TCP

    /// Every TCP socket: connected ones, those in TIME-WAIT and SYN-RECV, which are no whole `struct sock`, and
    /// listening ones.
    func tcp(
        _ namespaces: [VirtualAddress], _ body: (VirtualAddress) throws(ReadError) -> Void
    ) throws(IntrospectionError) {
        var tables: [VirtualAddress] = kernel.symbols.address(of: "tcp_hashinfo").map { [$0] } ?? []
        // From 6.1 a namespace may have its own.
        if let row = types.field("ipv4.tcp_death_row", of: "net"),
            let pointer = types.field("hashinfo", of: "inet_timewait_death_row")
        {
            let isPointer = types.resolved(row.type)?.kind == .pointer
            for namespace in namespaces {
                let table = try reading { () throws(ReadError) in
                    let place = isPointer ? try kernel.pointer(row, at: namespace) : namespace + row.offset
                    return place.isNull ? .null : try kernel.pointer(pointer, at: place)
                }
                if table.isKernel, !tables.contains(table) { tables.append(table) }
            }
        }
        guard !tables.isEmpty else { throw .missing("symbol tcp_hashinfo") }
        let node = try types.required("__sk_common.skc_nulls_node", of: "sock").offset
        for table in tables {
            try connected(table, node: node, body)
            try listening(table, node: node, body)
        }
    }

    private func connected(
        _ table: VirtualAddress, node: Int, _ body: (VirtualAddress) throws(ReadError) -> Void
    ) throws(IntrospectionError) {
        let buckets = try types.required("ehash", of: "inet_hashinfo")
        let mask = try types.required("ehash_mask", of: "inet_hashinfo")
        let stride = try types.requiredSize(of: "inet_ehash_bucket")
        try forEach(in: table, buckets, mask, stride: stride, head: 0, node: node, body)
    }

    private func listening(
        _ table: VirtualAddress, node: Int, _ body: (VirtualAddress) throws(ReadError) -> Void
    ) throws(IntrospectionError) {
        let head = try types.required("nulls_head", of: "inet_listen_hashbucket").offset
        let stride = try types.requiredSize(of: "inet_listen_hashbucket")
        guard stride > 0 else { throw .missing("structure inet_listen_hashbucket with members") }
        // Before 5.19: by the port alone, in the table itself.
        if let array = types.field("listening_hash", of: "inet_hashinfo") {
            try reading { () throws(ReadError) in
                try forEach(
                    inTableAt: table + array.offset, count: array.size / stride, stride: stride, head: head,
                    node: node, body)
            }
            return
        }
        let buckets = try types.required("lhash2", of: "inet_hashinfo")
        let mask = try types.required("lhash2_mask", of: "inet_hashinfo")
        try forEach(in: table, buckets, mask, stride: stride, head: head, node: node, body)
    }

    // MARK: UDP

    /// Every UDP socket with a port.
    func udp(
        _ namespaces: [VirtualAddress], _ body: (VirtualAddress) throws(ReadError) -> Void
    ) throws(IntrospectionError) {
        var tables: [VirtualAddress] = kernel.symbols.address(of: "udp_table").map { [$0] } ?? []
        // From 6.2 a namespace may have its own.
        if let pointer = types.field("ipv4.udp_table", of: "net") {
            for namespace in namespaces {
                let table = try reading { () throws(ReadError) in
                    try kernel.pointer(pointer, at: namespace)
                }
                if table.isKernel, !tables.contains(table) { tables.append(table) }
            }
        }
        guard !tables.isEmpty else { throw .missing("symbol udp_table") }
        let node = try types.required("__sk_common.skc_node", of: "sock").offset
        let buckets = try types.required("hash", of: "udp_table")
        let mask = try types.required("mask", of: "udp_table")
        let head = try types.required("head", of: "udp_hslot").offset
        let stride = try types.requiredSize(of: "udp_hslot")
        for table in tables {
            try forEach(in: table, buckets, mask, stride: stride, head: head, node: node, body)
        }
    }

    // MARK: UNIX

    /// Every UNIX socket.
    func unix(
        _ namespaces: [VirtualAddress], _ body: (VirtualAddress) throws(ReadError) -> Void
    ) throws(IntrospectionError) {
        let node = try types.required("__sk_common.skc_node", of: "sock").offset
        // From 6.0 every namespace has its own.
        if let pointer = types.field("unx.table.buckets", of: "net") {
            for namespace in namespaces {
                try reading { () throws(ReadError) in
                    let table = try kernel.pointer(pointer, at: namespace)
                    guard !table.isNull else { return }
                    try forEach(
                        inTableAt: table, count: Self.unixBuckets, stride: 8, head: 0, node: node, body)
                }
            }
            return
        }
        let table = try kernel.address(of: "unix_socket_table")
        try reading { () throws(ReadError) in
            try forEach(inTableAt: table, count: Self.unixBuckets, stride: 8, head: 0, node: node, body)
        }
    }

    // MARK: Buckets

    /// Follows the chain of every bucket. The table is copied first: most buckets are empty.
    private func forEach(
        inTableAt place: VirtualAddress, count: Int, stride: Int, head: Int, node: Int,
        _ body: (VirtualAddress) throws(ReadError) -> Void
    ) throws(ReadError) {
        guard (1...Self.mostBuckets).contains(count), (8...4096).contains(stride), head + 8 <= stride else {
            throw .inconsistent("a table of sockets has \(count) buckets of \(stride) bytes")
        }
        let perCopy = max(1, (1 << 20) / stride)
        var bucket = 0
        while bucket < count {
            let part = min(perCopy, count - bucket)
            let copy = ByteTable(try kernel.bytes(at: place + bucket * stride, count: part * stride))
            for index in 0..<part {
                // Null, or a number that ends an empty chain.
                guard let first = copy.load(UInt64.self, at: index * stride + head), first != 0,
                    first & 1 == 0
                else { continue }
                try kernel.forEach(
                    inForwardListAt: place + (bucket + index) * stride + head, offset: node,
                    limit: Self.longestChain
                ) { socket throws(ReadError) in
                    try body(socket)
                    return true
                }
            }
            bucket += part
        }
    }

    /// The same for a table that tells where its buckets are, and how many less one.
    private func forEach(
        in table: VirtualAddress, _ buckets: Field, _ mask: Field, stride: Int, head: Int, node: Int,
        _ body: (VirtualAddress) throws(ReadError) -> Void
    ) throws(IntrospectionError) {
        try reading { () throws(ReadError) in
            try forEach(
                inTableAt: try kernel.pointer(buckets, at: table),
                count: Int(clamping: try kernel.value(mask, at: table)) &+ 1, stride: stride, head: head,
                node: node, body)
        }
    }
}
