import Foundation
import HostSystem
import Testing

@testable import GuestMemory

@Suite("Giving pages back to the host")
struct DiscardTests {
    private func memory(_ size: UInt64 = 8 << 20) throws -> PhysicalMemory {
        try PhysicalMemory(layout: try #require(AddressSpaceLayout(size: size)))
    }

    @Test("whole pages of a range become zero, the rest of it stays")
    func range() throws {
        let memory = try memory()
        let all = try #require(GuestRange(start: GuestAddress(0x10_0000), size: 0x4000))
        try memory.fill(all, with: 0x77)
        let part = try #require(GuestRange(start: GuestAddress(0x10_0800), size: 0x2F00))
        #expect(try memory.discard(part).pages == 2)
        let bytes = try memory.bytes(at: all.start, count: 0x4000)
        #expect(bytes[0x0FFF] == 0x77 && bytes[0x3000] == 0x77)
        #expect(bytes[0x1000..<0x3000].allSatisfy { $0 == 0 })
        let outside = try #require(GuestRange(start: GuestAddress(0x7F_F000), size: 0x2000))
        #expect(throws: GuestMemoryError.self) { try memory.discard(outside) }
    }

    @Test("pages that came from a file become zero, not the file's again, and their neighbours stay")
    func files() throws {
        let path = FileManager.default.temporaryDirectory.path + "/discard-\(getpid())"
        try Data(repeating: 0x5A, count: 1 << 20).write(to: URL(filePath: path))
        // SAFETY: a C string for the length of the call.
        defer { unsafe unlink(path) }
        let memory = try memory()
        let image = try #require(GuestRange(start: GuestAddress(2 << 20), size: 1 << 20))
        try memory.load(try RegularFile.open(path), at: 0, into: image, sharing: true)
        try memory.store(UInt8(1), at: GuestAddress(2 << 20 + 0x3000))
        for (start, size) in [(0x1F_F000, 0x2000), (0x20_3000, 0x1000), (0x2F_F000, 0x3000)]
            as [(UInt64, UInt64)]
        {
            let range = try #require(GuestRange(start: GuestAddress(start), size: size))
            #expect(try memory.discard(range).refusedPages == 0)
        }
        func first(_ address: UInt64) throws -> UInt8 { try memory.load(at: GuestAddress(address)) }
        #expect(try [0x20_0000, 0x20_3000, 0x2F_F000].map(first) == [0, 0, 0])
        #expect(try [0x20_1000, 0x20_2FFF, 0x20_4000, 0x2F_EFFF].map(first) == [0x5A, 0x5A, 0x5A, 0x5A])
        // The same by a set, with scattered pages in and around the file's.
        var pages = try PageSet(capacity: memory.pageCount)
        for page in stride(from: 0x1F0, to: 0x310, by: 2) { pages.insert(page) }
        #expect(memory.discard(&pages).pages == 0x90)
        #expect(try [0x20_2000, 0x20_4000, 0x2F_E000].map(first) == [0, 0, 0])
        #expect(try [0x20_1000, 0x20_5000, 0x2F_D000].map(first) == [0x5A, 0x5A, 0x5A])
    }

    @Test("scattered pages all go, however many there are")
    func scattered() throws {
        let memory = try memory(32 << 20)
        try memory.fill(try #require(GuestRange(start: GuestAddress(0), size: 32 << 20)), with: 1)
        var pages = try PageSet(capacity: memory.pageCount)
        for page in stride(from: 1, to: 8192, by: 2) { pages.insert(page) }
        let outcome = memory.discard(&pages)
        #expect(outcome.pages == 4096)
        #expect(outcome.refusedPages == 0)
        #expect(pages.count == 0)
        for page in 0..<8192 as Range<UInt64> {
            #expect(try memory.load(UInt8.self, at: GuestAddress(page << 12)) == (page % 2 == 0 ? 1 : 0))
        }
    }

    @Test("a set of pages does what a set of numbers does", arguments: 1...10 as ClosedRange<UInt64>)
    func pageSet(seed: UInt64) throws {
        var state = seed
        func random(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        let capacity = 10_000 + random(1000)
        var set = try PageSet(capacity: capacity)
        var model: Set<Int> = []
        for _ in 0..<400 {
            switch random(20) {
            case 0..<8:
                let start = random(capacity)
                let pages = start..<min(capacity, start + random(300))
                #expect(set.insert(pages) == pages.count - model.intersection(pages).count)
                model.formUnion(pages)
            case 8..<14:
                let page = random(capacity)
                #expect(set.insert(page) == model.insert(page).inserted)
            case 14..<19:
                let page = random(capacity)
                #expect(set.remove(page) == (model.remove(page) != nil))
            default:
                var runs: [Range<Int>] = []
                set.drainRuns { runs.append($0) }
                #expect(runs.flatMap(\.self) == model.sorted())
                for (one, next) in zip(runs, runs.dropFirst()) { #expect(one.upperBound < next.lowerBound) }
                model = []
            }
            #expect(set.count == model.count)
        }
        set.insert(0..<capacity)
        set.removeAll()
        #expect(set.count == 0 && !set.contains(capacity - 1))
        set.drainRuns { _ in Issue.record("there is nothing") }
    }
}
