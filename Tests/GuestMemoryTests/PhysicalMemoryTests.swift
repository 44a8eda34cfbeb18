import HostSystem
import Testing

@testable import GuestMemory

@Suite("Guest-physical memory")
struct PhysicalMemoryTests {
    @Test("RAM past the hole goes on at 4 GiB and is reached there")
    func ramAboveTheHole() throws {
        let layout = try #require(AddressSpaceLayout(size: 6 << 30))
        let memory = try PhysicalMemory(layout: layout)
        let top = GuestAddress((7 << 30) - 8)
        try memory.store(UInt64(0x1122_3344_5566_7788), at: top)
        #expect(try memory.load(UInt64.self, at: top) == 0x1122_3344_5566_7788)
        #expect(try memory.bytes(at: GuestAddress((7 << 30) - 8), count: 2) == [0x88, 0x77])
    }

    @Test(
        "an access that is not wholly RAM is refused",
        arguments: [0x10_0000, 0xF_FFFF, 0xBFFF_FFFF, 0xC000_0000, 0xFFFF_FFFF_FFFF_FFFF, 0x1_0000_0000]
            as [UInt64])
    func outside(address: UInt64) throws {
        let layout = try #require(AddressSpaceLayout(size: 1 << 20))
        let memory = try PhysicalMemory(layout: layout)
        #expect(throws: GuestMemoryError.outside(GuestAddress(address), size: 2)) {
            try memory.bytes(at: GuestAddress(address), count: 2)
        }
    }

    @Test("a scalar must be aligned")
    func misaligned() throws {
        let memory = try PhysicalMemory(layout: try #require(AddressSpaceLayout(size: 1 << 20)))
        #expect(throws: GuestMemoryError.misaligned(GuestAddress(0x1002), size: 4)) {
            try memory.load(UInt32.self, at: GuestAddress(0x1002))
        }
    }

    @Test(
        "sizes that are no whole pages, too small or too large are refused",
        arguments: [0, 4096, (1 << 20) + 1, (1 << 40) + 4096] as [UInt64])
    func badSizes(size: UInt64) {
        #expect(AddressSpaceLayout(size: size) == nil)
    }
}
