import GuestMemory
import Testing

@testable import Introspection

@Suite("Sockets") struct SocketViewTests {
    private let source = MemorySource(size: 1 << 17)

    private static func types() throws -> TypeTable {
        var types = BTFImage()
        let byte = types.integer("unsigned char", size: 1)
        let short = types.integer("short unsigned int", size: 2)
        let word = types.integer("unsigned int", size: 4)
        let long = types.integer("long unsigned int", size: 8)
        let name = types.array(of: byte, count: 16)
        let list = types.structure("list_head", size: 16, [("next", long, 0), ("prev", long, 8)])
        let common = types.structure(
            "sock_common", size: 32,
            [
                ("skc_family", short, 0), ("skc_state", byte, 2),
                ("skc_num", short, 4),
                ("skc_dport", short, 6), ("skc_daddr", word, 8),
                ("skc_rcv_saddr", word, 12), ("skc_nulls_node", list, 16),
                ("skc_node", list, 16),
            ])
        types.structure(
            "sock", size: 64,
            [
                ("__sk_common", common, 0), ("sk_socket", long, 40),
                ("sk_uid", word, 48),
                ("sk_ack_backlog", word, 52), ("sk_max_ack_backlog", word, 56),
                ("sk_wmem_alloc", word, 60),
            ])
        types.structure(
            "tcp_sock", size: 96,
            [
                ("rcv_nxt", word, 64), ("copied_seq", word, 68),
                ("write_seq", word, 72),
                ("snd_una", word, 76),
            ])
        types.structure("inode", size: 16, [("i_ino", long, 8)])
        types.structure(
            "socket_alloc", size: 64, [("socket", list, 0), ("vfs_inode", list, 32)])
        types.structure(
            "inet_hashinfo", size: 32,
            [
                ("ehash", long, 0), ("ehash_mask", word, 8), ("lhash2", long, 16),
                ("lhash2_mask", word, 24),
            ])
        types.structure("inet_ehash_bucket", size: 8, [("chain", long, 0)])
        types.structure("inet_listen_hashbucket", size: 16, [("nulls_head", long, 8)])
        types.structure("udp_table", size: 24, [("hash", long, 0), ("mask", word, 16)])
        types.structure("udp_hslot", size: 16, [("head", long, 0), ("count", word, 8)])
        types.structure(
            "task_struct", size: 80,
            [
                ("tasks", list, 0), ("pid", word, 16), ("flags", word, 20),
                ("comm", name, 24), ("mm", long, 40), ("files", long, 48),
                ("signal", long, 56), ("thread_node", list, 64),
            ])
        types.structure("signal_struct", size: 16, [("thread_head", list, 0)])
        types.structure("files_struct", size: 8, [("fdt", long, 0)])
        types.structure("fdtable", size: 16, [("max_fds", word, 0), ("fd", long, 8)])
        types.structure("file", size: 8, [("private_data", long, 0)])
        return try types.table()
    }

    private func word(_ value: UInt32, at place: Int) { source.store(UInt64(value), at: place, size: 4) }

    private func pointer(_ target: Int, at place: Int) {
        source.store(HandmadeKernel.address(target).rawValue, at: place)
    }

    private func socket(
        at place: Int, state: UInt8, local: ([UInt8], UInt16), remote: ([UInt8], UInt16), next: UInt64 = 1
    ) {
        source.memory[place] = 2
        source.memory[place + 2] = state
        source.memory[place + 4] = UInt8(local.1 & 0xFF)
        source.memory[place + 5] = UInt8(local.1 >> 8)
        // The other port is in network order.
        source.memory[place + 6] = UInt8(remote.1 >> 8)
        source.memory[place + 7] = UInt8(remote.1 & 0xFF)
        for index in 0..<4 {
            source.memory[place + 8 + index] = remote.0[index]
            source.memory[place + 12 + index] = local.0[index]
        }
        source.store(next, at: place + 16)
    }

    /// Process 42 has the file of the socket at 0x3000 open as descriptor 1.
    private func process() {
        pointer(0xA000, at: 0x9000)
        pointer(0xA000, at: 0x9008)
        pointer(0x9000, at: 0xA000)
        pointer(0x9000, at: 0xA008)
        word(42, at: 0xA010)
        source.store("sshd", at: 0xA018)
        pointer(0xB000, at: 0xA030)
        pointer(0xB100, at: 0xB000)
        word(2, at: 0xB100)
        pointer(0xB200, at: 0xB108)
        pointer(0xB300, at: 0xB208)
        pointer(0x6000, at: 0xB300)
    }

    init() {
        // Two buckets of connected sockets, one of listening ones, one of UDP's.
        pointer(0x2000, at: 0x1000)
        word(1, at: 0x1008)
        pointer(0x2100, at: 0x1010)
        source.store(1, at: 0x2000)
        pointer(0x3000 + 16, at: 0x2008)
        pointer(0x4000 + 16, at: 0x2108)
        pointer(0x2200, at: 0x1100)
        pointer(0x5000 + 16, at: 0x2200)
        socket(
            at: 0x3000, state: 1, local: ([192, 0, 2, 2], 22), remote: ([192, 0, 2, 1], 50_000),
            next: HandmadeKernel.address(0x7000 + 16).rawValue)
        pointer(0x6000, at: 0x3000 + 40)
        word(1000, at: 0x3000 + 48)
        word(2, at: 0x3000 + 64)
        word(0xFFFF_FFFD, at: 0x3000 + 68)
        word(0x103, at: 0x3000 + 72)
        word(0x100, at: 0x3000 + 76)
        source.store(77, at: 0x6000 + 32 + 8)
        socket(at: 0x7000, state: 6, local: ([127, 0, 0, 1], 80), remote: ([127, 0, 0, 1], 4000))
        // Behind the end of what a socket in TIME-WAIT is.
        pointer(0x6000, at: 0x7000 + 40)
        socket(at: 0x4000, state: 10, local: ([0, 0, 0, 0], 8080), remote: ([0, 0, 0, 0], 0))
        word(3, at: 0x4000 + 52)
        word(128, at: 0x4000 + 56)
        socket(at: 0x5000, state: 7, local: ([0, 0, 0, 0], 53), remote: ([0, 0, 0, 0], 0), next: 0)
        word(1, at: 0x5000 + 60)
        process()
    }

    private func read(withOwners: Bool = true) throws -> [SocketRow] {
        let symbols = [
            ("tcp_hashinfo", 0x1000), ("udp_table", 0x1100), ("init_net", 0x8000), ("init_task", 0x9000),
        ].map { ($0.0, HandmadeKernel.address($0.1).rawValue) }
        let kernel = HandmadeKernel.make(source, symbols: symbols, types: try Self.types())
        return try SocketView(kernel).read(withOwners: withOwners)
    }

    private static func ends(_ row: SocketRow) -> [String] {
        guard case .internet(let local, let remote) = row.ends else { return [] }
        return [local.description, remote.description]
    }

    @Test("Connected, in TIME-WAIT, listening, and UDP") func kinds() throws {
        let rows = try read()
        #expect(rows.map(\.kind) == [.tcp, .tcp, .tcp, .udp])
        #expect(rows.map(\.state) == ["ESTAB", "TIME-WAIT", "LISTEN", "UNCONN"])
        #expect(Self.ends(rows[0]) == ["192.0.2.2:22", "192.0.2.1:50000"])
        #expect(Self.ends(rows[1]) == ["127.0.0.1:80", "127.0.0.1:4000"])
        #expect(Self.ends(rows[2]) == ["0.0.0.0:8080", "0.0.0.0:*"])
        #expect(Self.ends(rows[3]) == ["0.0.0.0:53", "0.0.0.0:*"])
    }

    @Test("Queues: sequence numbers wrap, and a listening one's are connections") func queues() throws {
        let rows = try read()
        #expect(rows.map(\.receiveQueue) == [5, 0, 3, nil])
        #expect(rows.map(\.sendQueue) == [3, 0, 128, 0])
    }

    @Test("Who has it open, and whose file it is") func owners() throws {
        let rows = try read()
        #expect(rows[0].owners == [SocketOwner(process: 42, name: "sshd", descriptor: 1)])
        #expect(rows[0].inode == 77)
        #expect(rows[0].user == 1000)
        #expect(rows[1].inode == nil && rows[1].owners.isEmpty)
        let without = try read(withOwners: false)
        #expect(without.map(\.owners.count) == [0, 0, 0, 0])
    }

    @Test("A process whose files make no sense costs its own sockets only") func brokenProcess() throws {
        word(0x7FFF_FFFF, at: 0xB100)
        let rows = try read()
        #expect(rows.count == 4)
        #expect(rows.map(\.owners.count) == [0, 0, 0, 0])
    }

    @Test("A chain that leads in a circle, and a table without end, are errors") func hostile() throws {
        pointer(0x3000 + 16, at: 0x7000 + 16)
        #expect(throws: IntrospectionError.self) { try read() }
        pointer(1 << 40, at: 0x7000 + 16)
        #expect(throws: IntrospectionError.self) { try read() }
        source.store(1, at: 0x7000 + 16)
        word(.max, at: 0x1008)
        #expect(throws: IntrospectionError.self) { try read() }
    }
}
