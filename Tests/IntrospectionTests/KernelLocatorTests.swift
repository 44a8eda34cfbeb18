import GuestMemory
@testable import Introspection
import Testing

@Suite("Finding the kernel") struct KernelLocatorTests {
    private static let size = 20 << 20
    /// Where the image lies in memory, and its page tables behind it.
    private static let physical = 8 << 20
    private static let tables = 0x10_0000
    /// Where in the image symbols and banner are.
    private static let symbolsAt = 0x20_0000 + 0x300
    private static let bannerAt = 0x10_0040

    /// A guest whose image of 8 MiB holds symbols, a banner and page tables, at a random place.
    private func source(_ layout: KallsymsImage.Layout) -> MemorySource {
        let source = MemorySource(size: Self.size)
        let start = KallsymsImage.start
        var entries = [KallsymsImage.Entry(address: start, kind: "T", name: "_text")]
        for number in 1...2100 {
            entries.append(
                KallsymsImage.Entry(
                    address: start + UInt64(number) * 16, kind: "t", name: "function_number\(number)"))
        }
        entries.append(
            KallsymsImage.Entry(address: start + UInt64(Self.bannerAt), kind: "R", name: "linux_banner"))
        entries.append(
            KallsymsImage.Entry(address: start + UInt64(Self.tables) * 4, kind: "D", name: "init_top_pgt"))
        let image = KallsymsImage(
            layout, hasAbsolutePerCPU: false, entries: entries, start: start + UInt64(Self.symbolsAt))
        let place = Self.physical + Self.symbolsAt
        source.memory.replaceSubrange(place..<place + image.bytes.count, with: image.bytes)
        let banner = Array("Linux version 9.9 (somebody)\0".utf8)
        let bannerPlace = Self.physical + Self.bannerAt
        source.memory.replaceSubrange(bannerPlace..<bannerPlace + banner.count, with: banner)
        // Another, which is none: a program's text, or the log.
        source.memory.replaceSubrange(0x5000..<0x5000 + banner.count, with: banner)
        // So are digits alone.
        let digits = TokenTable.digits
        source.memory.replaceSubrange(0x6001..<0x6001 + digits.count, with: digits)
        let top = Self.physical + Self.tables * 4
        source.store(UInt64(top + 0x1000) | 1, at: top + 511 * 8)
        source.store(UInt64(top + 0x2000) | 1, at: top + 0x1000 + 510 * 8)
        for page in 0..<4 {
            let slot = Int(start >> 21 & 511) + page
            source.store(
                UInt64(Self.physical + page << 21) | 0x81, at: top + 0x2000 + slot * 8)
        }
        return source
    }

    @Test(
        "Without registers, by a search of all memory",
        arguments: [KallsymsImage.Layout.longNames, .offsetsLast, .selfRelative])
    func search(layout: KallsymsImage.Layout) throws {
        let kernel = try KernelLocator(GuestImage(source(layout)), registers: []).locate()
        #expect(kernel.mapping.start == VirtualAddress(KallsymsImage.start))
        #expect(kernel.mapping.physical == GuestAddress(UInt64(Self.physical)))
        #expect(kernel.symbols.base == VirtualAddress(KallsymsImage.start))
        #expect(try kernel.address(of: "function_number5") == VirtualAddress(KallsymsImage.start + 80))
        #expect(try kernel.text(at: kernel.address(of: "linux_banner")) == "Linux version 9.9 (somebody)")
    }

    @Test("Memory without a kernel, and a kernel without symbols, are said") func none() throws {
        let empty = MemorySource(size: 1 << 20)
        #expect(
            throws: IntrospectionError.notLinux("its memory holds no table of kernel symbols")
        ) { try KernelLocator(GuestImage(empty), registers: []).locate() }
        let source = source(.offsetsLast)
        let place = Self.physical + Self.symbolsAt
        source.memory.replaceSubrange(
            place..<place + 0x10_0000, with: [UInt8](repeating: 0, count: 0x10_0000))
        let registers = ProcessorRegisters(
            isPaging: true, cr3: UInt64(Self.physical + Self.tables * 4), hasFiveLevels: false,
            instruction: .null, stack: .null, frame: .null, privilegeLevel: 0, gsBase: .null,
            kernelGSBase: nil, systemCallEntry: nil, interruptTable: .null)
        #expect {
            try KernelLocator(GuestImage(source), registers: [registers]).locate()
        } throws: {
            "\($0)".contains("CONFIG_KALLSYMS") && "\($0)".contains("9.9")
        }
    }

    @Test("The note of a dump tells the page tables") func note() {
        let note = CrashNote(
            text: """
                OSRELEASE=6.1.0
                SYMBOL(swapper_pg_dir)=ffffffffa9c10000
                NUMBER(phys_base)=-12582912
                NUMBER(pgtable_l5_enabled)=1
                KERNELOFFSET=28400000
                broken
                """)
        // 0x29c10000 - 0xc00000.
        #expect(note.space == AddressSpace(cr3: 0x2901_0000, hasFiveLevels: true))
        #expect(CrashNote(text: "SYMBOL(swapper_pg_dir)=zz\nNUMBER(phys_base)=1").space == nil)
        #expect(CrashNote(text: "").space == nil)
    }

    @Test("Without a timekeeper jiffies tell the time since the start") func jiffies() throws {
        var types = BTFImage()
        let half = types.integer("u32", size: 4)
        types.structure("clocksource", size: 16, [("mult", half, 0), ("shift", half, 4)])
        let guest = try FakeGuest(symbols: ["jiffies_64": 0, "clocksource_jiffies": 16], types: types)
        // 250 a second; they begin five minutes before 32 bits are full.
        guest.store(4_000_000 << 8 | 8 << 32, at: guest.image(16))
        guest.store(0x1_0000_0000 - 75_000 + 2500, at: guest.image(0))
        let clock = try GuestClock(guest.kernel, guest.kernel.types())
        let uptime = try #require(try clock.uptime())
        #expect(uptime.nanoseconds == 10_000_000_000 && uptime.source == .jiffies)
        #expect(try clock.bootTime() == nil)
    }
}
