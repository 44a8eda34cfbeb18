import Foundation
import GuestMemory
import Introspection
import MachineTesting
import Testing

/// Where Linux has what is in `struct elf_prstatus` of x86-64 (sys/procfs.h), in bytes.
private enum StatusLayout {
    static let size = 336
    static let process = 32
    static let registers = 112
    /// `struct user_regs_struct` (sys/user.h), in its order.
    static let names = [
        "r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8", "rax", "rcx", "rdx", "rsi", "rdi",
        "orig_rax", "rip", "cs", "rflags", "rsp", "ss", "fs.base", "gs.base", "ds", "es", "fs", "gs",
    ]

    static func register(_ name: String, in note: CoreFile.Note) -> UInt64? {
        names.firstIndex(of: name).map { note.content.number(at: registers + 8 * $0) }
    }
}

@Suite("ELF cores") struct CoreFileTests {
    private static func range(_ start: UInt64, _ size: UInt64) throws -> GuestRange {
        try #require(GuestRange(start: GuestAddress(start), size: size))
    }

    @Test("Parts and notes are where the header says, whatever their sizes", arguments: [0, 1, 2, 3])
    func header(noteSize: Int) throws {
        let regions = [try Self.range(0, 0x3000), try Self.range(0x1_0000_0000, 0x2000)]
        let notes = [
            DumpNote(processor: 0, registers: (1...27).map { $0 * 0x0101_0101 }),
            DumpNote(owner: "ABCDEFG", kind: 7, content: (0..<noteSize).map { UInt8($0) }),
            DumpNote(owner: "ROOST", kind: 0x524F_4F53, content: Array("{}".utf8)),
        ]
        let directMap = VirtualAddress(0xFFFF_8880_0000_0000)
        let header = DumpHeader(regions: regions, directMap: directMap, notes: notes)
        let core = try CoreFile(Data(header.bytes))
        #expect(Array(core.identification.prefix(7)) == [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1])
        #expect(core.fileKind == 4 && core.machine == 62)
        #expect(core.parts[0].kind == 4 && core.parts.count == 3)
        #expect(core.memory.map(\.physical) == [0, 0x1_0000_0000])
        #expect(core.memory.map(\.memorySize) == [0x3000, 0x2000])
        #expect(core.memory.map(\.fileSize) == [0x3000, 0x2000])
        #expect(core.memory.map(\.virtual) == [directMap.rawValue, directMap.rawValue + 0x1_0000_0000])
        // Behind the header, whole pages, one after the other, to the file's end.
        let offsets = core.memory.map(\.offset)
        #expect(offsets[0] >= UInt64(header.bytes.count) && offsets[0] % 4096 == 0)
        #expect(offsets[1] == offsets[0] + 0x3000 && header.size == offsets[1] + 0x2000)
        #expect(header.parts.map(\.fileOffset) == offsets && header.parts.map(\.range) == regions)
        #expect(core.notes.map(\.owner) == notes.map(\.owner) && core.notes.map(\.kind) == notes.map(\.kind))
        #expect(core.notes.map { Array($0.content) } == notes.map(\.content))
        // No kernel, no virtual addresses.
        let unknown = try CoreFile(Data(DumpHeader(regions: regions, directMap: nil, notes: []).bytes))
        #expect(unknown.memory.map(\.virtual) == [0, 0] && unknown.notes.isEmpty)
    }

    @Test("A processor's registers are where debuggers look for them") func status() throws {
        let values = (1...27).map { UInt64($0) << 56 | UInt64($0) }
        let note = DumpNote(processor: 2, registers: values)
        let header = DumpHeader(regions: [try Self.range(0, 4096)], directMap: nil, notes: [note])
        let read = try #require(try CoreFile(Data(header.bytes)).notes.first)
        #expect(read.owner == "CORE" && read.kind == 1 && read.content.count == StatusLayout.size)
        #expect(read.content.number(at: StatusLayout.process) as UInt32 == 3, "0 is refused by some readers")
        #expect(StatusLayout.names.map { StatusLayout.register($0, in: read) } == values)
        let rest = (0..<StatusLayout.size).filter {
            !(32..<36).contains($0) && !(112..<328).contains($0)
        }
        #expect(rest.allSatisfy { read.content[$0] == 0 })
    }

    @Test("What is written is read back: memory of all parts, and nothing between them") func readBack()
        throws
    {
        let regions = [try Self.range(0, 0x2000), try Self.range(0x1_0000_0000, 0x1000)]
        let notes = [DumpNote(owner: "VMCOREINFO", kind: 0, content: Array("OSRELEASE=x\n".utf8))]
        let header = DumpHeader(regions: regions, directMap: nil, notes: notes)
        var bytes = header.bytes + [UInt8](repeating: 0, count: Int(header.size) - header.bytes.count)
        for (number, part) in header.parts.enumerated() {
            for place in 0..<Int(part.range.size) {
                bytes[Int(part.fileOffset) + place] = UInt8(truncatingIfNeeded: (number + 3) * place)
            }
        }
        let directory = try TemporaryDirectory()
        let file = try DumpFile(path: try directory.write(bytes, to: "core"))
        #expect(file.regions == regions && file.notes == notes)
        let image = GuestImage(file)
        for (number, part) in header.parts.enumerated() {
            let read = try image.bytes(at: part.range.start, count: Int(part.range.size))
            #expect(read == (0..<read.count).map { UInt8(truncatingIfNeeded: (number + 3) * $0) })
        }
        #expect(throws: ReadError.self) { try image.bytes(at: GuestAddress(0x2000), count: 1) }
        // One byte less than it says is no core.
        let short = try directory.write(bytes.dropLast(), to: "short")
        #expect(throws: DumpError.self) { try DumpFile(path: short) }
    }
}

@Suite("ELF cores of stock guests", .serialized) struct CoreDumpTests {
    /// What scripts/lab.d/dump-guest gives its guest.
    private static let memorySize: UInt64 = 256 << 20
    private static let processors = 2

    private func core(_ dump: GuestDump) throws -> (CoreFile, size: UInt64) {
        let file = try FileHandle(forReadingFrom: URL(filePath: dump.core))
        defer { try? file.close() }
        let head = try #require(try file.read(upToCount: 1 << 20))
        return (try CoreFile(head), try file.seekToEnd())
    }

    @Test("The parts cover all memory, once, where the kernel maps it", arguments: GuestDump.all)
    func memory(dump: GuestDump) throws {
        let (core, size) = try core(dump)
        let kernel = try dump.kernel(dump.file())
        #expect(core.parts.first?.kind == 4, "notes come first")
        var next: UInt64 = 0
        for part in core.memory.sorted(by: { $0.physical < $1.physical }) {
            #expect(part.physical == next && part.fileSize == part.memorySize)
            #expect(part.offset % 4096 == 0 && part.offset + part.fileSize <= size)
            #expect(part.virtual == kernel.directMap.rawValue + part.physical)
            next += part.memorySize
        }
        #expect(next == Self.memorySize)
        // The direct map is that of the guest's own note: page_offset_base, read by its symbol.
        let base = try kernel.load(UInt64.self, at: kernel.address(of: "page_offset_base"))
        #expect(base == kernel.directMap.rawValue)
    }

    @Test("Each processor's registers are those that the machine told", arguments: GuestDump.all)
    func registers(dump: GuestDump) throws {
        let (core, _) = try core(dump)
        let statuses = core.notes.filter { $0.owner == "CORE" && $0.kind == 1 }
        let own = try #require(core.notes.first { $0.owner == "ROOST" })
        let told = try JSONSerialization.jsonObject(with: own.content) as? [String: Any]
        let cpus = try #require(told?["cpus"] as? [[String: Any]])
        #expect(statuses.count == Self.processors && cpus.count == Self.processors)
        func number(_ value: Any?) throws -> UInt64 {
            let text = try #require(value as? String)
            return try #require(UInt64(text.dropFirst(2), radix: 16))
        }
        for (index, (status, cpu)) in zip(statuses, cpus).enumerated() {
            #expect(status.content.count == StatusLayout.size)
            #expect(status.content.number(at: StatusLayout.process) as UInt32 == UInt32(index + 1))
            for name in StatusLayout.names where name != "orig_rax" {
                let parts = name.split(separator: ".").map(String.init)
                let isSegment = name.count == 2 && name.hasSuffix("s")
                let value =
                    parts.count == 2 || isSegment
                    ? (cpu[parts[0]] as? [String: Any])?[parts.count == 2 ? "base" : "selector"] : cpu[name]
                #expect(try StatusLayout.register(name, in: status) == number(value), "\(name) of \(index)")
            }
            // No system call is under way.
            #expect(StatusLayout.register("orig_rax", in: status) == .max)
            // A guest that idles executes its kernel.
            #expect(StatusLayout.register("rip", in: status) ?? 0 > 0xFFFF_FFFF_8000_0000)
        }
    }

    @Test("The kernel's own note for readers of dumps is there, and true", arguments: GuestDump.all)
    func coreInformation(dump: GuestDump) throws {
        let (core, _) = try core(dump)
        let kernel = try dump.kernel(dump.file())
        let note = try #require(core.notes.first { $0.owner == "VMCOREINFO" })
        #expect(note.kind == 0 && core.notes.filter { $0.owner == "VMCOREINFO" }.count == 1)
        let text = String(decoding: note.content, as: UTF8.self)
        var values: [Substring: Substring] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        let report = try String(contentsOfFile: dump.folder + "/report", encoding: .utf8)
        let release = try #require(values["OSRELEASE"])
        #expect(report.contains("Linux version \(release) "))
        #expect(values["PAGESIZE"] == "4096")
        #expect(
            values["KERNELOFFSET"].flatMap { Int64($0, radix: 16) } == kernel.virtualSlide,
            "where it was moved to")
        for name in ["init_uts_ns", "_stext"] {
            let told = try #require(values["SYMBOL(\(name))"].flatMap { UInt64($0, radix: 16) }, "\(name)")
            #expect(try told == kernel.address(of: name).rawValue, "\(name)")
        }
    }
}
