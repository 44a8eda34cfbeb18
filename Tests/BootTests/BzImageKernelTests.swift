import GuestMemory
import Testing
import X86

@testable import Boot

@Suite("A bzImage")
struct BzImageKernelTests {
    @Test("is loaded at its preferred address and entered 0x200 bytes on, in long mode")
    func boots() throws {
        let request = makeRequest(makeBzImage(), initrdSize: 5000)
        let plan = try BootPlan(request)
        #expect(plan.violations(of: request) == [])
        #expect(plan.bootProtocol == .linux64)
        #expect(plan.entry == GuestAddress(0x100_0200))
        let destination = try #require(GuestRange(start: GuestAddress(0x100_0000), size: 0x1000))
        #expect(
            plan.fileCopies.first == FileCopy(source: .kernel, fileOffset: 0x400, destination: destination))
        #expect(plan.kernelRanges.map(\.size) == [0x80_0000])
        #expect(plan.processor.general.rsi == plan.write(.bootParameters)?.address.rawValue)
    }

    @Test(
        "keeps its setup header in the zero page, completed by the loader's part, and nothing else of itself")
    func zeroPage() throws {
        let image = makeBzImage()
        let plan = try BootPlan(makeRequest(image, initrdSize: 5000))
        let page = try #require(plan.write(.bootParameters)?.bytes)
        let initrd = try #require(plan.initrdRange)
        #expect(page.count == 4096)
        #expect(page[0x1EF] == 0, "the sentinel")
        #expect(page.integer(UInt16.self, at: 0x206) == 0x20F)
        #expect(page.integer(UInt64.self, at: 0x258) == 0x100_0000)
        #expect(page.integer(UInt32.self, at: 0x260) == 0x80_0000)
        #expect(page[0x210] == 0xFF)
        #expect(page[0x211] & 1 == 1)
        #expect(page.integer(UInt32.self, at: 0x214) == 0x100_0000)
        #expect(page.integer(UInt32.self, at: 0x218) == UInt32(initrd.start.rawValue))
        #expect(page.integer(UInt32.self, at: 0x21C) == 5000)
        #expect(page.integer(UInt32.self, at: 0x228) == UInt32(LowMemory.commandLine.rawValue))
        // The header ends 0x6A bytes behind its magic number.
        #expect(page[0x26C..<0x2D0].allSatisfy { $0 == 0 })
    }

    @Test("that is not relocatable is loaded at exactly its preferred address")
    func fixed() throws {
        var image = makeBzImage()
        image[0x234] = 0
        image.store(0x20_1000 as UInt64, at: 0x258)
        #expect(try BootPlan(makeRequest(image)).entry == GuestAddress(0x20_1200))
        image.store(0x8_0000 as UInt64, at: 0x258)
        #expect(throws: BootError.self) { try BootPlan(makeRequest(image)) }
    }

    @Test("that is relocatable is moved up to its alignment and to 1 MiB at least")
    func relocated() throws {
        var image = makeBzImage()
        image.store(0 as UInt64, at: 0x258)
        #expect(try BootPlan(makeRequest(image)).entry == GuestAddress(0x20_0200))
        image.store(0x20_0001 as UInt64, at: 0x258)
        #expect(try BootPlan(makeRequest(image)).entry == GuestAddress(0x40_0200))
    }

    @Test("needs the memory to unpack itself")
    func memory() throws {
        #expect(throws: BootError.self) { try BootPlan(makeRequest(makeBzImage(), mebibytes: 23)) }
        #expect(throws: Never.self) { try BootPlan(makeRequest(makeBzImage(), mebibytes: 24)) }
    }

    @Test("puts a limit to the command line and to where the initial RAM disk ends")
    func limits() throws {
        var image = makeBzImage()
        image.store(10 as UInt32, at: 0x238)
        #expect(throws: BootError.commandLineTooLong(count: 11, limit: 10)) {
            try BootPlan(makeRequest(image, commandLine: "12345678901"))
        }
        image.store(0x01FF_FFFF as UInt32, at: 0x22C)
        let plan = try BootPlan(makeRequest(image, initrdSize: 0x1000, commandLine: "1234567890"))
        #expect(plan.initrdRange?.end == GuestAddress(0x200_0000))
        // A limit beyond the place there is does not count.
        image.store(UInt32.max, at: 0x238)
        #expect(throws: BootError.commandLineTooLong(count: 0xD000, limit: 0xCFFF)) {
            try BootPlan(makeRequest(image, commandLine: String(repeating: "x", count: 0xD000)))
        }
        let longest = makeRequest(image, commandLine: String(repeating: "x", count: 0xCFFF))
        #expect(try BootPlan(longest).violations(of: longest) == [])
    }

    @Test("loads what its header announces and not what follows")
    func signature() throws {
        let image = makeBzImage() + [UInt8](repeating: 0xAA, count: 1000)
        #expect(try BootPlan(makeRequest(image)).fileCopies.first?.destination.size == 0x1000)
        var unsized = image
        unsized.store(0 as UInt32, at: 0x1F4)
        #expect(try BootPlan(makeRequest(unsized)).fileCopies.first?.destination.size == 0x1000 + 1000)
    }

    @Test("with no setup sectors has four")
    func oldSectors() throws {
        var image = makeBzImage() + [UInt8](repeating: 0, count: 0x600)
        image[0x1F1] = 0
        #expect(try BootPlan(makeRequest(image)).fileCopies.first?.fileOffset == 0xA00)
    }

    @Test("has no PVH entry")
    func noPVH() {
        #expect(throws: BootError.self) { try BootPlan(makeRequest(makeBzImage(), choice: .pvh)) }
    }

    @Test(
        "that is spoilt is refused with the reason",
        arguments: [
            (0x206, [0x0B, 0x02], BzImageDefect.protocolTooOld(version: 0x20B, minimum: 0x20C)),
            (0x201, [0x40], .headerTooShort(end: 0x242, needed: 0x264)),
            (0x236, [0x7E, 0], .no64BitEntry(loadFlags: 0x7E)),
            (0x230, [0, 0, 0, 0], .alignment(0)),
            (0x230, [0, 0, 0x30, 0], .alignment(0x30_0000)),
            (0x258, [UInt8](repeating: 0xFF, count: 8), .addressWraps(address: .max, size: 0x80_0000)),
            (0x1F4, [0x20, 0, 0, 0], .noProtectedModeKernel(size: 0x200)),
        ] as [(Int, [UInt8], BzImageDefect)])
    func refuses(offset: Int, bytes: [UInt8], defect: BzImageDefect) {
        var image = makeBzImage()
        image.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        let error = #expect(throws: BootError.unsuitableBzImage(defect)) { try BootPlan(makeRequest(image)) }
        #expect(error?.description.contains(";") == true)
    }

    @Test("above 4 GiB is refused, as it could not be entered")
    func tooHigh() {
        var image = makeBzImage()
        image.store(0x1_0000_0000 as UInt64, at: 0x258)
        #expect(throws: BootError.entryTooHigh(GuestAddress(0x1_0000_0200))) {
            try BootPlan(makeRequest(image, mebibytes: 8 << 10))
        }
    }

    @Test("cut off at any length is refused, but for the last paragraph's padding")
    func truncations() {
        let whole = makeBzImage()
        for length in 0..<whole.count - 15 {
            #expect(throws: BootError.self, "cut off at \(length)") {
                try BootPlan(makeRequest(Array(whole.prefix(length))))
            }
        }
    }
}
