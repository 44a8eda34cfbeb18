import GuestMemory
import Testing

@testable import Boot

/// The code's place is a hint: right where the file tells, and never in the way of anything.
@Suite("The code of an ELF kernel")
struct ELFCodeTests {
    private struct Section {
        var type: UInt32 = 1
        var flags: UInt64 = 6
        var offset: UInt64
        var size: UInt64

        var header: [UInt8] {
            var bytes = [UInt8](repeating: 0, count: 4)
            bytes.append(integer: type)
            bytes.append(integer: flags)
            bytes.append(integer: 0xFFFF_FFFF_8100_0000 as UInt64)
            bytes.append(integer: offset)
            bytes.append(integer: size)
            return bytes + [UInt8](repeating: 0, count: 24)
        }
    }

    /// The fixture has file bytes 0x200 to 0x500 at 1 MiB, and 0x500 to 0x600 at 4 MiB.
    private func ranges(
        _ sections: [Section], count: UInt16? = nil, entrySize: UInt16 = 64, at tableOffset: UInt64? = nil
    ) throws -> [GuestRange] {
        var file = ELFFixture().bytes
        let end = UInt64(file.count)
        file += sections.flatMap(\.header)
        var header = Array(file.prefix(64))
        var place: [UInt8] = []
        place.append(integer: tableOffset ?? end)
        header.replaceSubrange(40..<48, with: place)
        var sizes: [UInt8] = []
        sizes.append(integer: entrySize)
        sizes.append(integer: count ?? UInt16(sections.count))
        header.replaceSubrange(58..<62, with: sizes)
        let image = ArrayImage(file)
        return ELFCode.ranges(in: image, header: header, segments: try ELFImage(reading: image).segments)
    }

    @Test("is where its executable sections are loaded")
    func found() throws {
        let sections = [
            Section(offset: 0x240, size: 0x80), Section(flags: 2, offset: 0x300, size: 0x10),
            Section(type: 8, offset: 0x310, size: 0x10), Section(offset: 0x500, size: 0x100),
        ]
        let first = try #require(GuestRange(start: GuestAddress(0x10_0040), size: 0x80))
        let second = try #require(GuestRange(start: GuestAddress(0x40_0000), size: 0x100))
        #expect(try ranges(sections) == [first, second])
    }

    @Test(
        "is passed over where a section is empty or not in one segment",
        arguments: [
            (0x240, 0), (0x4FF, 2), (0x100, 0x10), (0x600, 1), (UInt64.max, 1), (0x240, UInt64.max),
            (UInt64.max - 1, UInt64.max),
        ] as [(UInt64, UInt64)])
    func oddSections(offset: UInt64, size: UInt64) throws {
        #expect(try ranges([Section(offset: offset, size: size)]) == [])
    }

    @Test("is unknown where the table is odd")
    func oddTables() throws {
        let section = [Section(offset: 0x240, size: 0x80)]
        #expect(try ranges(section, count: 0) == [])
        #expect(try ranges(section, count: 2) == [])
        #expect(try ranges(section, count: .max) == [])
        #expect(try ranges(section, entrySize: 63) == [])
        #expect(try ranges(section, at: .max) == [])
        #expect(try ranges(section, at: .max - 63) == [])
    }
}
