import GuestMemory
import Testing
import X86

@testable import Boot

@Suite("ACPI tables")
struct ACPITablesTests {
    private static let base: UInt64 = 0xE_0000

    private static func table(_ signature: String, _ configuration: ACPIConfiguration) throws
        -> ACPITables.Table
    {
        let tables = try ACPITables(configuration).tables(at: base)
        return try #require(tables.first { $0.signature == signature })
    }

    @Test("have sums of zero and lie one behind the other on multiples of 16", arguments: [1, 2, 300])
    func layout(processors: Int) throws {
        let configuration = ACPIConfiguration(
            processorCount: processors, virtioWindows: ACPICompilerTests.windows, hasProcessorDevices: true)
        let tables = try ACPITables(configuration).tables(at: Self.base)
        #expect(tables.map(\.signature) == ["RSDP", "DSDT", "APIC", "FACP", "XSDT"])
        #expect(tables.first?.address == Self.base)
        var end = Self.base
        for table in tables {
            #expect(table.address % 16 == 0)
            #expect(table.address >= end)
            #expect(table.bytes.reduce(0, &+) == 0, "\(table.signature)")
            if table.signature != "RSDP" {
                #expect(Int(table.bytes.integer(UInt32.self, at: 4)) == table.bytes.count)
            }
            end = table.address + UInt64(table.bytes.count)
        }
    }

    @Test("are found from the root pointer")
    func chain() throws {
        let tables = try ACPITables(ACPIConfiguration(processorCount: 1)).tables(at: Self.base)
        func address(_ signature: String) -> UInt64? { tables.first { $0.signature == signature }?.address }
        let root = try #require(tables.first).bytes
        #expect(Array(root.prefix(8)) == Array("RSD PTR ".utf8))
        #expect(root.prefix(20).reduce(0, &+) == 0)
        #expect(root[15] == 2)
        #expect(root.integer(UInt64.self, at: 24) == address("XSDT"))
        let pointers = try #require(tables.last).bytes
        #expect(pointers.integer(UInt64.self, at: 36) == address("FACP"))
        #expect(pointers.integer(UInt64.self, at: 44) == address("APIC"))
        let fixed = try #require(tables.first { $0.signature == "FACP" }).bytes
        #expect(fixed.integer(UInt64.self, at: 140) == address("DSDT"))
        #expect(UInt64(fixed.integer(UInt32.self, at: 40)) == address("DSDT"))
    }

    @Test("describe a hardware-reduced machine with sleep and reset registers")
    func fixedDescription() throws {
        let fixed = try Self.table("FACP", ACPIConfiguration(processorCount: 1)).bytes
        #expect(fixed.count == 276)
        #expect(fixed[8] == 6 && fixed[131] == 5)
        let flags = fixed.integer(UInt32.self, at: 112)
        #expect(flags & (1 << 20 | 1 << 10 | 1 << 4) == 1 << 20 | 1 << 10 | 1 << 4)
        #expect(fixed.integer(UInt16.self, at: 109) == 0b01_0100)
        for (offset, port) in [(116, 0x602), (244, 0x600), (256, 0x601)] as [(Int, UInt64)] {
            #expect(Array(fixed[offset..<offset + 4]) == [1, 8, 0, 1])
            #expect(fixed.integer(UInt64.self, at: offset + 4) == port)
        }
        #expect(fixed[128] == 1)
        #expect(PCPlatform.softOffCommand == 0x34)
        let clockless = try Self.table("FACP", ACPIConfiguration(processorCount: 1, hasClock: false)).bytes
        #expect(clockless.integer(UInt16.self, at: 109) == 0b11_0100)
    }

    @Test("name every processor, those from 255 by the longer entry", arguments: [1, 255, 256, 300])
    func interrupts(processors: Int) throws {
        let table = try Self.table("APIC", ACPIConfiguration(processorCount: processors)).bytes
        #expect(table.integer(UInt32.self, at: 36) == 0xFEE0_0000)
        #expect(table.integer(UInt32.self, at: 40) == 0)
        var identifiers: [Int] = []
        var controllers: [UInt32] = []
        var offset = 44
        while offset < table.count {
            switch table[offset] {
            case 0: identifiers.append(Int(table[offset + 3]))
            case 9: identifiers.append(Int(table.integer(UInt32.self, at: offset + 4)))
            case 1: controllers.append(table.integer(UInt32.self, at: offset + 4))
            default: Issue.record("entry of kind \(table[offset])")
            }
            offset += Int(table[offset + 1])
        }
        #expect(offset == table.count)
        #expect(identifiers == Array(0..<processors))
        #expect(controllers == [0xFEC0_0000])
        let longEntries = max(0, processors - 255)
        #expect(table.count == 44 + (processors - longEntries) * 8 + longEntries * 16 + 12)
    }

    @Test("of what cannot exist are refused")
    func refused() {
        let one = ACPIConfiguration(processorCount: 1)
        var cases: [(ACPIConfiguration, BootError)] = []
        for count in [0, -1, 4097] {
            cases.append((ACPIConfiguration(processorCount: count), .processorCount(count, limit: 4096)))
        }
        var spoilt = one
        spoilt.powerButtonInterrupt = 24
        cases.append((spoilt, .noSuchInterrupt(24, limit: 24)))
        spoilt = one
        spoilt.virtioWindows = [VirtioMMIOWindow(base: 0xFFFF_F001, size: 0x1000, interrupt: 5)]
        cases.append((spoilt, .badVirtioWindow(base: 0xFFFF_F001, size: 0x1000)))
        spoilt.virtioWindows = [VirtioMMIOWindow(base: 0xD000_0000, size: 0, interrupt: 5)]
        cases.append((spoilt, .badVirtioWindow(base: 0xD000_0000, size: 0)))
        spoilt.virtioWindows = [VirtioMMIOWindow(base: 0xD000_0000, interrupt: .max)]
        cases.append((spoilt, .noSuchInterrupt(.max, limit: 24)))
        spoilt.virtioWindows = Array(repeating: VirtioMMIOWindow(base: 0xD000_0000, interrupt: 5), count: 257)
        cases.append((spoilt, .tooManyVirtioWindows(257, limit: 256)))
        for (configuration, error) in cases {
            #expect(throws: error) {
                try BootPlan(makeRequest(ELFFixture().bytes, acpi: configuration))
            }
        }
    }

    @Test("that do not fit below 1 MiB are refused, and those that do are placed")
    func capacity() throws {
        let fitting = makeRequest(ELFFixture().bytes, acpi: ACPIConfiguration(processorCount: 4096))
        let plan = try BootPlan(fitting)
        #expect(plan.violations(of: fitting) == [])
        #expect(plan.write(.acpiTables)?.address == GuestAddress(0xE_0000))
        let devices = ACPIConfiguration(processorCount: 4096, hasProcessorDevices: true)
        let error = #expect(throws: BootError.self) {
            try BootPlan(makeRequest(ELFFixture().bytes, acpi: devices))
        }
        guard case .acpiTooLarge(_, capacity: 0x1_FFF0) = error else {
            Issue.record("got \(String(describing: error))")
            return
        }
    }
}

@Suite("ACPI machine language")
struct AMLTests {
    @Test(
        "has integers in their shortest form",
        arguments: [
            (0, [0]), (1, [1]), (2, [0x0A, 2]), (0xFF, [0x0A, 0xFF]), (0x100, [0x0B, 0, 1]),
            (0x1_0000, [0x0C, 0, 0, 1, 0]), (0x1_0000_0000, [0x0E, 0, 0, 0, 0, 1, 0, 0, 0]),
        ] as [(UInt64, [UInt8])])
    func integers(value: UInt64, bytes: [UInt8]) {
        #expect(AML.integer(value).bytes == bytes)
    }

    @Test("has names padded to four characters, with prefixes for paths")
    func names() {
        #expect(AML.notify("PWRB", 0).bytes == [0x86] + Array("PWRB".utf8) + [0])
        #expect(AML.notify("\\_SB.RTC", 0).bytes == [0x86, 0x5C, 0x2E] + Array("_SB_RTC_".utf8) + [0])
        #expect(AML.notify("A.B.C", 0).bytes == [0x86, 0x2F, 3] + Array("A___B___C___".utf8) + [0])
    }

    @Test("has lengths in their shortest form, which count their own bytes")
    func lengths() {
        // A scope's contents are its name of four bytes and, here, integers of one byte each.
        func header(_ contents: Int) -> [UInt8] {
            let scope = AML.scope("TEST", Array(repeating: .integer(0), count: contents - 4)).bytes
            return Array(scope.prefix(scope.count - contents))
        }
        #expect(header(0x3E) == [0x10, 0x3F])
        #expect(header(0x3F) == [0x10, 0x41, 0x04])
        #expect(header(0xFFD) == [0x10, 0x4F, 0xFF])
        #expect(header(0xFFE) == [0x10, 0x81, 0x00, 0x01])
    }

    @Test("has EISA identifiers packed")
    func identifiers() {
        #expect(AML.eisaIdentifier("PNP0501").bytes == [0x0C, 0x41, 0xD0, 0x05, 0x01])
    }
}
