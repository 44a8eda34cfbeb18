import GuestMemory
import Testing
import X86

@testable import Boot

@Suite("What a kernel is told")
struct BootDataTests {
    /// Start and kind of every entry, and the end of the last.
    private static func outline(_ map: MemoryMap) -> [UInt64] {
        map.entries.flatMap { [$0.range.start.rawValue, UInt64($0.kind.rawValue)] }
            + (map.entries.last.map { [$0.range.end.rawValue] } ?? [])
    }

    @Test("has a memory map without gaps below the hole, and RAM above it")
    func memoryMap() {
        let map = MemoryMap(layout: makeLayout(mebibytes: 4 << 10), hasACPI: true)
        #expect(
            Self.outline(map) == [
                0, 1, 0x9_FC00, 2, 0xE_0000, 3, 0x10_0000, 1, 0x1_0000_0000, 1, 0x1_4000_0000,
            ])
        #expect(map.entries[3].range.end == GuestAddress(0xC000_0000))
        let small = MemoryMap(layout: makeLayout(mebibytes: 1), hasACPI: false)
        #expect(Self.outline(small) == [0, 1, 0x9_FC00, 2, 0xE_0000, 2, 0x10_0000])
    }

    @Test("by PVH is a start info of version 1 with modules, command line, root pointer and memory map")
    func startInfo() throws {
        let plan = try BootPlan(
            makeRequest(
                ELFFixture().bytes, initrdSize: 0x1234, commandLine: "quiet",
                acpi: ACPIConfiguration(processorCount: 1)))
        let write = try #require(plan.write(.startInfo))
        let base = write.address.rawValue
        let bytes = write.bytes
        let initrd = try #require(plan.initrdRange)
        #expect(bytes.integer(UInt32.self, at: 0) == 0x336E_C578)
        #expect(bytes.integer(UInt32.self, at: 4) == 1)
        #expect(bytes.integer(UInt32.self, at: 8) == 0)
        #expect(bytes.integer(UInt32.self, at: 12) == 1)
        #expect(bytes.integer(UInt64.self, at: 32) == 0xE_0000)
        #expect(plan.rootPointer == GuestAddress(0xE_0000))

        let module = Int(bytes.integer(UInt64.self, at: 16) - base)
        #expect(bytes.integer(UInt64.self, at: module) == initrd.start.rawValue)
        #expect(bytes.integer(UInt64.self, at: module + 8) == 0x1234)

        let line = try #require(plan.write(.commandLine))
        #expect(bytes.integer(UInt64.self, at: 24) == line.address.rawValue)
        #expect(line.bytes == Array("quiet\0".utf8))

        let map = Int(bytes.integer(UInt64.self, at: 40) - base)
        let count = Int(bytes.integer(UInt32.self, at: 48))
        #expect(count == plan.memoryMap.entries.count)
        #expect(bytes.count == map + count * 24)
        for (index, entry) in plan.memoryMap.entries.enumerated() {
            #expect(bytes.integer(UInt64.self, at: map + index * 24) == entry.range.start.rawValue)
            #expect(bytes.integer(UInt64.self, at: map + index * 24 + 8) == entry.range.size)
            #expect(bytes.integer(UInt32.self, at: map + index * 24 + 16) == entry.kind.rawValue)
        }
    }

    @Test("by PVH names no module and no root pointer if there are none")
    func emptyStartInfo() throws {
        let plan = try BootPlan(makeRequest(ELFFixture().bytes))
        let bytes = try #require(plan.write(.startInfo)).bytes
        #expect(bytes.integer(UInt32.self, at: 12) == 0)
        #expect(bytes.integer(UInt64.self, at: 16) == 0)
        #expect(bytes.integer(UInt64.self, at: 32) == 0)
        #expect(plan.rootPointer == nil)
    }

    @Test("by the Linux protocol is a zero page with memory map, command line, RAM disk and root pointer")
    func zeroPage() throws {
        let plan = try BootPlan(
            makeRequest(
                ELFFixture(pvhEntry: nil).bytes, initrdSize: 0x1234,
                acpi: ACPIConfiguration(processorCount: 1)))
        let page = try #require(plan.write(.bootParameters)).bytes
        let initrd = try #require(plan.initrdRange)
        #expect(page.integer(UInt64.self, at: 0x70) == 0xE_0000)
        #expect(page.integer(UInt16.self, at: 0x1FE) == 0xAA55)
        #expect(Array(page[0x202..<0x206]) == Array("HdrS".utf8))
        #expect(page.integer(UInt16.self, at: 0x206) == 0x20C)
        #expect(page[0x210] == 0xFF)
        #expect(page[0x211] == 1)
        #expect(page.integer(UInt32.self, at: 0x218) == UInt32(initrd.start.rawValue))
        #expect(page.integer(UInt32.self, at: 0x21C) == 0x1234)
        #expect(page.integer(UInt32.self, at: 0x228) == 0x3000)
        #expect(Int(page[0x1E8]) == plan.memoryMap.entries.count)
        for (index, entry) in plan.memoryMap.entries.enumerated() {
            #expect(page.integer(UInt64.self, at: 0x2D0 + index * 20) == entry.range.start.rawValue)
            #expect(page.integer(UInt64.self, at: 0x2D8 + index * 20) == entry.range.size)
            #expect(page.integer(UInt32.self, at: 0x2E0 + index * 20) == entry.kind.rawValue)
        }
    }

    @Test("includes page tables that map every address below 4 GiB to itself")
    func pageTables() throws {
        let plan = try BootPlan(makeRequest(ELFFixture(pvhEntry: nil).bytes))
        let write = try #require(plan.write(.pageTables))
        func entry(_ table: UInt64, _ index: UInt64) -> UInt64 {
            write.bytes.integer(UInt64.self, at: Int(table - write.address.rawValue + index * 8))
        }
        for address in stride(from: 0 as UInt64, to: 1 << 32, by: 1 << 21) {
            let level4 = entry(plan.processor.special.cr3, address >> 39)
            let level3 = entry(level4 & ~0xFFF, address >> 30 & 511)
            let level2 = entry(level3 & ~0xFFF, address >> 21 & 511)
            #expect(level4 & 3 == 3 && level3 & 3 == 3)
            #expect(level3 & 0x80 == 0, "no pages of 1 GiB")
            #expect(level2 == address | 0xE3)
        }
        #expect(entry(plan.processor.special.cr3, 1) == 0)
    }

    @Test(
        "includes a descriptor table that agrees with the segment registers",
        arguments: BootProtocolChoice.allCases)
    func descriptors(choice: BootProtocolChoice) throws {
        let plan = try BootPlan(makeRequest(ELFFixture().bytes, choice: choice))
        let special = plan.processor.special
        let table = try #require(plan.write(.descriptorTable))
        #expect(special.globalTable.base == table.address.rawValue)
        #expect(Int(special.globalTable.limit) + 1 == table.bytes.count)
        #expect(table.bytes.integer(UInt64.self, at: Int(special.cs.selector)) == special.cs.descriptor)
        #expect(table.bytes.integer(UInt64.self, at: Int(special.ss.selector)) == special.ss.descriptor)
        let code: UInt64 = choice == .linux64 ? 0x00AF_9B00_0000_FFFF : 0x00CF_9B00_0000_FFFF
        #expect(special.cs.descriptor == code)
    }
}

@Suite("Placing")
struct PlacementTests {
    @Test("puts the initial RAM disk on a page as high as it may be, below 2 GiB")
    func initrd() throws {
        let plan = try BootPlan(makeRequest(ELFFixture().bytes, mebibytes: 8 << 10, initrdSize: 0x1001))
        #expect(plan.initrdRange == GuestRange(start: GuestAddress(0x7FFF_E000), size: 0x1001))
        #expect(plan.fileCopies.last?.source == .initrd)
        #expect(plan.fileCopies.last?.fileOffset == 0)
    }

    @Test("puts it below a kernel that lies at the top")
    func initrdBelow() throws {
        var fixture = ELFFixture()
        fixture.headers[1].address = 0x3FF_FF00
        let request = makeRequest(fixture.bytes, initrdSize: 0x1000)
        let plan = try BootPlan(request)
        #expect(plan.initrdRange?.start == GuestAddress(0x3FF_E000))
        #expect(plan.violations(of: request) == [])
    }

    @Test(
        "refuses an initial RAM disk that is empty or does not fit",
        arguments: [0, 0x3FC_E000, 1 << 40, .max] as [UInt64])
    func badInitrd(size: UInt64) {
        let error = #expect(throws: BootError.self) {
            try BootPlan(makeRequest(ELFFixture().bytes, initrdSize: size))
        }
        let expected = BootError.noRoomForInitrd(size: size, limit: GuestAddress(64 << 20), memory: 64 << 20)
        #expect(error == (size == 0 ? .emptyInitrd : expected))
    }

    @Test("takes a command line of 2047 bytes and refuses a longer one or one with a NUL")
    func commandLine() throws {
        let kernel = ELFFixture().bytes
        let longest = String(repeating: "x", count: 2047)
        #expect(
            try BootPlan(makeRequest(kernel, commandLine: longest)).write(.commandLine)?.bytes.count == 2048)
        #expect(throws: BootError.commandLineTooLong(count: 2048, limit: 2047)) {
            try BootPlan(makeRequest(kernel, commandLine: longest + "x"))
        }
        #expect(throws: BootError.commandLineHasNUL(index: 1)) {
            try BootPlan(makeRequest(kernel, commandLine: "a\0b"))
        }
        #expect(try BootPlan(makeRequest(kernel, commandLine: "")).write(.commandLine)?.bytes == [0])
    }

    @Test("sums a plan up in one line")
    func summary() throws {
        let plan = try BootPlan(makeRequest(ELFFixture().bytes, initrdSize: 0x1000))
        #expect(
            plan.summary
                == "pvh entry 0x100020, kernel 0x100000..<0x103000 0x400000..<0x400100, initrd 0x3fff000..<0x4000000"
        )
    }
}
