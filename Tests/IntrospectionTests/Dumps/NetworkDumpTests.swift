import Introspection
import MachineTesting
import Testing

/// The views of sockets and network devices, judged by what the guests told of theirs.
@Suite("The network of stock guests", .serialized) struct NetworkDumpTests {
    private func cells<Row: ViewRow>(_ rows: [Row]) -> [ViewCells] {
        rows.map { row in
            Dictionary(
                zip(Row.columns.map(\.key), row.cells.map { ViewCell($0) }), uniquingKeysWith: { $1 })
        }
    }

    @Test("Every socket is seen that the guest told of, and no other", arguments: GuestDump.all)
    func sockets(dump: GuestDump) throws {
        let kernel = try dump.kernel(dump.file())
        let rows = try SocketView(kernel).read()
        expectNone(try dump.reports()[0].compareSockets(cells(rows)))
        // One network namespace, which every socket belongs to.
        #expect(Set(rows.map(\.namespace)).count == 1 && rows.allSatisfy { $0.namespace ?? 0 > 0 })

        let without = try SocketView(kernel).read(withOwners: false)
        #expect(without.map(\.inode) == rows.map(\.inode) && without.allSatisfy { $0.owners.isEmpty })
    }

    @Test(
        "Every network device is as the guest told, with its addresses and counters", arguments: GuestDump.all
    )
    func devices(dump: GuestDump) throws {
        let kernel = try dump.kernel(dump.file())
        expectNone(try dump.reports()[0].compareDevices(cells(try DeviceView(kernel).read())))
    }

    @Test("A report that differs in anything is told apart", arguments: GuestDump.all)
    func differences(dump: GuestDump) throws {
        let kernel = try dump.kernel(dump.file())
        let report = try dump.reports()[0]
        let sockets = cells(try SocketView(kernel).read())
        for key in ["kind", "state", "receiveQueue", "local", "inode", "uid", "processes"] {
            var wrong = sockets
            let index = try #require(
                wrong.firstIndex { $0["kind"] == .text("tcp") && $0["inode"]?.number != nil })
            wrong[index][key] = .text("?")
            #expect(try !report.compareSockets(wrong).isEmpty, "\(key)")
        }
        #expect(try !report.compareSockets(sockets.dropLast()).isEmpty)
        #expect(try !report.compareSockets(sockets + [sockets[0]]).isEmpty)

        let devices = cells(try DeviceView(kernel).read())
        for key in ["index", "name", "flags", "mtu", "mac", "addresses", "rxBytes", "txPackets"] {
            var wrong = devices
            wrong[0][key] = .text("?")
            #expect(try !report.compareDevices(wrong).isEmpty, "\(key)")
        }
    }
}
