import GuestMemory
import Introspection
import Testing

@Suite("Page tables") struct AddressSpaceTests {
    private let source = MemorySource(size: 1 << 20)
    private static let present: UInt64 = 1
    private static let large: UInt64 = 1 << 7

    /// Tables one after the other from page 1, each one's entry `slots[i]` leading to the next.
    private func map(_ slots: [Int], leaf: UInt64) {
        for (index, slot) in slots.enumerated() {
            let isLast = index == slots.count - 1
            let value = isLast ? leaf : UInt64(index + 2) << 12 | Self.present
            source.store(value, at: (index + 1) << 12 + slot * 8)
        }
    }

    @Test("4 levels, 4 KiB") func fourLevels() throws {
        map([511, 510, 3, 5], leaf: 0x7000 | Self.present | 1 << 63)
        let found = try AddressSpace(cr3: 0x1FFF).translate(
            VirtualAddress(0xFFFF_FFFF_8060_5123), in: GuestImage(source))
        #expect(found.physical == GuestAddress(0x7123))
        #expect(found.pageSize == 4096)
        #expect(!found.isExecutable && !found.isWritable)
    }

    @Test("5 levels, 2 MiB and 1 GiB") func fiveLevels() throws {
        map([1, 2, 3, 4], leaf: 0x4000_0000 | Self.present | Self.large)
        let space = AddressSpace(cr3: 0x1000, hasFiveLevels: true)
        let address = VirtualAddress(1 << 48 | 2 << 39 | 3 << 30 | 4 << 21 | 0x12345)
        #expect(try space.translate(address, in: GuestImage(source)).physical == GuestAddress(0x4001_2345))
        map([1, 2, 3], leaf: 0x8000_0000 | Self.present | Self.large)
        let found = try space.translate(address, in: GuestImage(source))
        #expect(found.pageSize == 1 << 30)
        #expect(found.physical == GuestAddress(0x8000_0000 | 4 << 21 | 0x12345))
    }

    @Test("What is not mapped, not canonical or outside memory is said") func errors() throws {
        map([0, 0, 0, 0], leaf: 0)
        let space = AddressSpace(cr3: 0x1000)
        let image = GuestImage(source)
        #expect(throws: ReadError.notMapped(VirtualAddress(0x123))) {
            try space.translate(VirtualAddress(0x123), in: image)
        }
        #expect(throws: ReadError.notMapped(VirtualAddress(0x8000_0000_0000))) {
            try space.translate(VirtualAddress(0x8000_0000_0000), in: image)
        }
        source.store(0xFFFF_0000_0001, at: 0x1008)
        image.refresh()
        #expect(throws: ReadError.notMemory(GuestAddress(0xFFFF_0000_0000))) {
            try space.translate(VirtualAddress(1 << 39), in: image)
        }
    }
}
