import Foundation
import HostSystem
import Testing

@testable import GuestMemory

@Suite("Guest memory mapped from files")
struct LostPagesTests {
    @Test("pages lost with a truncated file are read as zeros, and the process lives on")
    func truncated() async throws {
        // In a process of its own: the handler is the whole process's.
        await #expect(processExitsWith: .success) {
            let path = FileManager.default.temporaryDirectory.path + "/lost-\(getpid())"
            try Data(repeating: 0x5A, count: 1 << 20).write(to: URL(filePath: path))
            // SAFETY: a C string for the length of each call.
            defer { unsafe unlink(path) }
            let memory = try PhysicalMemory(layout: try #require(AddressSpaceLayout(size: 4 << 20)))
            try memory.surviveLostPages()
            let range = try #require(GuestRange(start: GuestAddress(1 << 20), size: 1 << 20))
            try memory.load(try RegularFile.open(path), at: 0, into: range, sharing: true)
            try #require(try memory.bytes(at: GuestAddress(0x18_0000), count: 4) == [0x5A, 0x5A, 0x5A, 0x5A])
            let result = unsafe truncate(path, 4096)
            try #require(result == 0)
            try #require(try memory.bytes(at: GuestAddress(0x1F_FFFE), count: 2) == [0, 0])
            try #require(try memory.bytes(at: GuestAddress(1 << 20), count: 1) == [0x5A])
            try #require(PhysicalMemory.lostPages == 1)
        }
    }
}
