import GuestMemory
import Testing
import X86

@testable import Boot

@Suite("An ELF kernel")
struct ELFKernelTests {
    @Test("with a PVH note is entered by it, in 32-bit mode, with the start info's address")
    func pvh() throws {
        let request = makeRequest(ELFFixture().bytes)
        let plan = try BootPlan(request)
        #expect(plan.violations(of: request) == [])
        #expect(plan.bootProtocol == .pvh)
        #expect(plan.processor.general.rip == 0x10_0020)
        #expect(plan.processor.general.rbx == plan.write(.startInfo)?.address.rawValue)
        #expect(plan.processor.special.cr0 == [.protectionEnable, .extensionType])
        #expect(plan.processor.special.cs.is32Bit)
        #expect(plan.write(.pageTables) == nil)
    }

    @Test("without a PVH note is entered in long mode with the zero page's address")
    func linux64() throws {
        let request = makeRequest(ELFFixture(pvhEntry: nil).bytes)
        let plan = try BootPlan(request)
        #expect(plan.violations(of: request) == [])
        #expect(plan.bootProtocol == .linux64)
        #expect(plan.processor.general.rip == 0x10_0010)
        #expect(plan.processor.general.rsi == plan.write(.bootParameters)?.address.rawValue)
        #expect(plan.processor.special.cr3 == plan.write(.pageTables)?.address.rawValue)
        #expect(plan.processor.special.extendedFeatures == [.longModeEnable, .longModeActive])
        #expect(plan.processor.special.cs.isLong)
        #expect(plan.processor.special.cs.selector == 0x10)
        #expect(plan.processor.special.ds.selector == 0x18)
    }

    @Test("with a PVH note can be entered by the Linux protocol on wish")
    func wishedLinux64() throws {
        let plan = try BootPlan(makeRequest(ELFFixture().bytes, choice: .linux64))
        #expect(plan.bootProtocol == .linux64)
        #expect(plan.entry == GuestAddress(0x10_0010))
    }

    @Test("without a PVH note is refused if PVH is wished")
    func wishedPVH() throws {
        #expect(throws: BootError.self) {
            try BootPlan(makeRequest(ELFFixture(pvhEntry: nil).bytes, choice: .pvh))
        }
    }

    @Test("has its segments copied from the file, and only what the file has")
    func copies() throws {
        let plan = try BootPlan(makeRequest(ELFFixture().bytes))
        let first = try #require(GuestRange(start: GuestAddress(0x10_0000), size: 0x300))
        let second = try #require(GuestRange(start: GuestAddress(0x40_0000), size: 0x100))
        #expect(
            plan.fileCopies == [
                FileCopy(source: .kernel, fileOffset: 0x200, destination: first),
                FileCopy(source: .kernel, fileOffset: 0x500, destination: second),
            ])
        #expect(plan.kernelRanges.map(\.size) == [0x3000, 0x100])
    }

    @Test("may have a segment in the free memory below 1 MiB")
    func lowSegment() throws {
        var fixture = ELFFixture()
        fixture.headers[1].address = 0x2_0000
        let request = makeRequest(fixture.bytes)
        #expect(try BootPlan(request).violations(of: request) == [])
    }

    @Test("has no room in a guest of 1 MiB, and the message says so")
    func tooLittleMemory() throws {
        let error = #expect(throws: BootError.self) {
            try BootPlan(makeRequest(ELFFixture().bytes, mebibytes: 1))
        }
        let range = try #require(GuestRange(start: GuestAddress(0x10_0000), size: 0x3000))
        #expect(error == .outsideMemory(.segment(0), range, memory: 1 << 20))
        #expect(
            error?.description
                == "kernel segment 0 needs 0x100000..<0x103000, which is not all RAM; the guest has 0x100000 bytes, "
                + "give it more memory")
    }

    struct Spoilt: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let spoil: @Sendable (inout [UInt8]) -> Void
        let expected: @Sendable (BootError) -> Bool

        init(
            _ name: String, _ spoil: @escaping @Sendable (inout [UInt8]) -> Void,
            expects: @escaping @Sendable (BootError) -> Bool
        ) {
            testDescription = name
            self.spoil = spoil
            expected = expects
        }

        init(
            _ name: String, _ spoil: @escaping @Sendable (inout [UInt8]) -> Void, _ defect: ELFDefect
        ) {
            self.init(name, spoil) { $0 == .unsuitableELF(defect) }
        }
    }

    static let spoilt: [Spoilt] = [
        Spoilt("32-bit class", { $0[4] = 1 }, .not64Bit(class: 1)),
        Spoilt("big-endian", { $0[5] = 2 }, .notLittleEndian(data: 2)),
        Spoilt("identification version", { $0[6] = 0 }, .unknownVersion(0)),
        Spoilt("file version", { $0.store(7 as UInt32, at: 20) }, .unknownVersion(7)),
        Spoilt("ARM machine", { $0.store(183 as UInt16, at: 18) }, .wrongMachine(183)),
        Spoilt("position-independent", { $0.store(3 as UInt16, at: 16) }, .positionIndependent),
        Spoilt("object file", { $0.store(1 as UInt16, at: 16) }, .notExecutable(type: 1)),
        Spoilt("small program headers", { $0.store(32 as UInt16, at: 54) }, .programHeaderSize(32)),
        Spoilt("no program headers", { $0.store(0 as UInt16, at: 56) }, .programHeaderCount(0, limit: 256)),
        Spoilt(
            "huge program header count", { $0.store(0xFFFF as UInt16, at: 56) },
            .programHeaderCount(0xFFFF, limit: 256)),
        Spoilt("nothing to load", { for index in 0..<2 { $0[64 + index * 56] = 6 } }, .nothingToLoad),
        Spoilt("program headers behind the end", { $0.store(0x600 - 167 as UInt64, at: 32) }) {
            $0 == .truncated(.programHeaders, offset: 0x600 - 167, count: 168, imageSize: 0x600)
        },
        Spoilt("program header offset that wraps", { $0.store(UInt64.max, at: 32) }) {
            $0 == .truncated(.programHeaders, offset: .max, count: 168, imageSize: 0x600)
        },
        Spoilt("segment offset that wraps", { $0.store(UInt64.max - 1, at: 64 + 8) }) {
            $0 == .truncated(.segment(0), offset: .max - 1, count: 0x300, imageSize: 0x600)
        },
        Spoilt("segment behind the end", { $0.store(0x301 as UInt64, at: 64 + 8) }) {
            $0 == .truncated(.segment(0), offset: 0x301, count: 0x300, imageSize: 0x600)
        },
        Spoilt("more in the file than in memory", { $0.store(0x2FF as UInt64, at: 64 + 40) }) {
            $0 == .unsuitableSegment(index: 0, .fileLargerThanMemory(fileSize: 0x300, memorySize: 0x2FF))
        },
        Spoilt("segment that wraps", { $0.store(UInt64.max - 0xFFF, at: 64 + 24) }) {
            $0 == .unsuitableSegment(index: 0, .addressWraps(address: .max - 0xFFF, memorySize: 0x3000))
        },
        Spoilt("segment outside RAM", { $0.store(0x400_0000 as UInt64, at: 64 + 56 + 24) }) {
            if case .outsideMemory(.segment(1), _, memory: 64 << 20) = $0 { true } else { false }
        },
        Spoilt(
            "segment that reaches over the end of RAM", { $0.store(0x3FF_FFFF as UInt64, at: 64 + 56 + 24) }
        ) {
            if case .outsideMemory(.segment(1), _, memory: 64 << 20) = $0 { true } else { false }
        },
        Spoilt("overlapping segments", { $0.store(0x10_2FFF as UInt64, at: 64 + 56 + 24) }) {
            if case .overlap(.segment(1), _, with: .segment(0), _) = $0 { true } else { false }
        },
        Spoilt("segment over the command line", { $0.store(0x2FFF as UInt64, at: 64 + 56 + 24) }) {
            if case .overlap(.segment(1), _, with: .commandLine, _) = $0 { true } else { false }
        },
        Spoilt("segment over the start info", { $0.store(0x2000 as UInt64, at: 64 + 56 + 24) }) {
            if case .overlap(.startInfo, _, with: .segment(1), _) = $0 { true } else { false }
        },
        Spoilt("segment in reserved memory", { $0.store(0xA_0000 as UInt64, at: 64 + 56 + 24) }) {
            if case .overlap(.segment(1), _, with: .reservedLowMemory, _) = $0 { true } else { false }
        },
        Spoilt("entry before the segments", { $0.store(0xF_FFFF as UInt32, at: 248) }) {
            $0 == .entryOutsideKernel(GuestAddress(0xF_FFFF), .pvh)
        },
        Spoilt("entry in zero-filled memory", { $0.store(0x10_0300 as UInt32, at: 248) }) {
            $0 == .entryOutsideKernel(GuestAddress(0x10_0300), .pvh)
        },
        Spoilt("note name that wraps", { $0.store(UInt32.max, at: 232) }) {
            $0 == .malformedNote(offset: 232)
        },
        Spoilt("note value that wraps", { $0.store(UInt32.max - 3, at: 236) }) {
            $0 == .malformedNote(offset: 232)
        },
        Spoilt("note value behind the end", { $0.store(5 as UInt32, at: 236) }) {
            $0 == .malformedNote(offset: 232)
        },
        Spoilt("note value of no bytes", { $0.store(0 as UInt32, at: 236) }) {
            $0 == .malformedNote(offset: 232)
        },
        Spoilt("notes behind the end", { $0.store(0x601 as UInt64, at: 64 + 112 + 8) }) {
            $0 == .truncated(.segment(2), offset: 0x601, count: 20, imageSize: 0x600)
        },
    ]

    @Test("that is spoilt is refused with the reason", arguments: spoilt)
    func refuses(spoilt: Spoilt) throws {
        var bytes = ELFFixture().bytes
        spoilt.spoil(&bytes)
        let error = try #require(throws: BootError.self) { try BootPlan(makeRequest(bytes)) }
        #expect(spoilt.expected(error), "got: \(error)")
        #expect(error.description.count > 20)
    }

    @Test("over the 32-bit hole or entered above it is refused")
    func hole() throws {
        var fixture = ELFFixture(pvhEntry: nil)
        fixture.headers[1].address = 0xBFFF_FFFF
        #expect(throws: BootError.self) { try BootPlan(makeRequest(fixture.bytes, mebibytes: 6 << 10)) }
        fixture.headers[1].address = 0x1_0000_0000
        let request = makeRequest(fixture.bytes, mebibytes: 6 << 10)
        #expect(try BootPlan(request).violations(of: request) == [])
        fixture.entry = 0x1_0000_0000
        #expect(throws: BootError.entryTooHigh(GuestAddress(0x1_0000_0000))) {
            try BootPlan(makeRequest(fixture.bytes, mebibytes: 6 << 10))
        }
    }

    @Test("cut off at any length is refused")
    func truncations() throws {
        let whole = ELFFixture().bytes
        for length in 0..<whole.count {
            #expect(throws: BootError.self, "cut off at \(length)") {
                try BootPlan(makeRequest(Array(whole.prefix(length))))
            }
        }
    }

    @Test("with a note of eight bytes, others before it, and padding cut off is understood")
    func longerNotes() throws {
        var fixture = ELFFixture()
        var notes: [UInt8] = []
        for (name, type, value) in [
            ("GNU\0", 18, [1, 2, 3]), ("Xen\0", 5, []), ("Xen\0", 18, [0x20, 0, 0x10, 0, 0, 0, 0, 0]),
        ]
            as [(String, UInt32, [UInt8])]
        {
            notes.append(integer: UInt32(name.utf8.count))
            notes.append(integer: UInt32(value.count))
            notes.append(integer: type)
            notes += name.utf8
            notes += value
            notes += repeatElement(0, count: (4 - value.count % 4) % 4)
        }
        fixture.contents.replaceSubrange(0x180..<0x180 + notes.count, with: notes)
        fixture.headers[2].fileOffset = 0x180
        fixture.headers[2].fileSize = UInt64(notes.count)
        #expect(try BootPlan(makeRequest(fixture.bytes)).entry == GuestAddress(0x10_0020))
    }
}

@Suite("What is no kernel")
struct NoKernelTests {
    @Test("is refused as empty if it has no bytes")
    func empty() {
        #expect(throws: BootError.emptyKernel) { try BootPlan(makeRequest([])) }
    }

    @Test("is refused by name", arguments: [Array("#!/bin/sh\n".utf8), [0x7F, 0x45, 0x4C], [0x7F]])
    func other(bytes: [UInt8]) {
        #expect(throws: BootError.notAKernel(beginning: Array(bytes.prefix(4)))) {
            try BootPlan(makeRequest(bytes))
        }
    }

    @Test("tells that its image could not be read")
    func unreadable() {
        struct Broken: ImageSource {
            var size: UInt64 { 4096 }
            func bytes(at offset: UInt64, count: Int) throws(ImageReadError) -> [UInt8] {
                throw ImageReadError(offset: offset, count: count, reason: "Input/output error")
            }
        }
        let error = #expect(throws: BootError.self) {
            try BootPlan(BootRequest(kernel: Broken(), layout: makeLayout()))
        }
        #expect(
            error?.description == "the kernel is unreadable: cannot read 4 bytes at 0x0: Input/output error")
    }
}
