import Foundation
import GuestMemory
import Introspection
import MachineTesting
import Testing

/// Every view over memory of stock kernels, judged by what the guests told of themselves.
@Suite("Dumps of stock guests", .serialized) struct GuestDumpTests {
    @Test("There are dumps: scripts/test.d/dumps makes them") func exist() {
        #expect(!GuestDump.all.isEmpty)
    }

    @Test("Every view is what the guest told", arguments: GuestDump.all)
    func views(dump: GuestDump) throws {
        let reports = try dump.reports()
        let report = reports[0]
        let registers = try dump.registers()
        let kernel = try dump.kernel(dump.file())
        let seen = ReadViews(kernel, registers, processes: report.processes)

        expectNone(try report.compareSystem(seen("os"), processors: registers.count, later: reports[2]))
        expectNone(try report.compareLog(seen("dmesg")))
        expectNone(try report.compareModules(seen("modules")))
        expectNone(try report.compareMounts(seen("mounts 1")))
        expectNone(try report.compareMemory(seen("mem")))
        expectNone(try report.compareProcesses(seen("ps")))
        #expect(report.processes.count > 2)
        for process in report.processes {
            expectNone(try report.compareStack(seen("bt \(process)"), process: process))
            // A thread of the kernel has neither files nor areas, which is told and not shown.
            guard report.has("maps \(process)") else { continue }
            expectNone(try report.compareFiles(seen("files \(process)"), process: process))
            expectNone(try report.compareAreas(seen("maps \(process)"), process: process))
        }
        let symbols = SymbolView(kernel)
        for name in ["init_task", "linux_banner", "_text", "_stext", "schedule", "vfs_read", "tcp_prot"] {
            let rows = try symbols.read(name).map { row in
                Dictionary(
                    zip(SymbolRow.columns.map(\.key), row.cells.map { ViewCell($0) }),
                    uniquingKeysWith: { $1 })
            }
            expectNone(try reports[1].compareSymbols(rows, name: name))
        }
    }

    @Test(
        "Without registers the same kernel is found, and a raw file gives the same as the core",
        arguments: GuestDump.all)
    func searchAndRawFile(dump: GuestDump) throws {
        let directory = try TemporaryDirectory()
        let core = try dump.file()
        let raw = try DumpFile(path: try Self.writeRaw(core, in: directory))
        let registers = try dump.registers()
        let found = ReadViews(try dump.kernel(core), registers, processes: [1])
        let searched = try KernelLocator(GuestImage(raw), registers: []).locate()
        #expect(searched.profile.buildID == (try dump.kernel(core)).profile.buildID)
        #expect(!searched.profile.buildID.isEmpty)
        let again = ReadViews(searched, registers, processes: [1])
        expectNone(again.differences(from: found))
        #expect(found.rows["ps"]?.count ?? 0 > 20)
    }

    @Test(
        "A profile that was kept gives the same, and a damaged one is passed over", arguments: GuestDump.all)
    func keptProfile(dump: GuestDump) throws {
        let directory = try TemporaryDirectory()
        let store = ProfileDirectory(path: directory.path)
        let registers = try dump.registers()
        let core = try dump.file()
        let first = try dump.kernel(core, store: store)
        #expect(first.isProfileNew)
        try store.keep(first)
        let second = try dump.kernel(core, store: store)
        #expect(!second.isProfileNew)
        let views = ReadViews(first, registers, processes: [1])
        expectNone(ReadViews(second, registers, processes: [1]).differences(from: views))

        let name = try #require(directory.contents().first { $0.hasSuffix(".profile") })
        let whole = try directory.read(name)
        var random = SeededGenerator(seed: 1)
        for damage in 0..<8 {
            var bytes = whole
            switch damage {
            case 0: bytes.removeLast()
            case 1: bytes.removeLast(bytes.count / 2)
            case 2: bytes = []
            case 3: bytes.append(0)
            // The build id itself is what a kernel is known by: behind it.
            default:
                bytes[Int.random(in: 4096..<bytes.count, using: &random)] ^=
                    1 << UInt8.random(in: 0..<8, using: &random)
            }
            _ = try directory.write(bytes, to: name)
            #expect(try dump.kernel(core, store: store).isProfileNew, "damage \(damage)")
        }
    }

    /// The memory as a file from address 0, holes kept.
    private static func writeRaw(_ dump: DumpFile, in directory: TemporaryDirectory) throws -> String {
        let path = try directory.write([], to: "raw")
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        let image = GuestImage(dump)
        for region in dump.regions {
            var offset: UInt64 = 0
            while offset < region.size {
                let count = Int(min(1 << 20, region.size - offset))
                let address = region.start.rawValue + offset
                let bytes = try image.bulk(at: GuestAddress(address), count: count)
                if bytes.contains(where: { $0 != 0 }) {
                    try file.seek(toOffset: address)
                    try file.write(contentsOf: Data(bytes))
                }
                offset += UInt64(count)
            }
            try file.truncate(atOffset: region.end.rawValue)
        }
        try file.close()
        return path
    }
}
