import Testing

@testable import Introspection

@Suite("A process's memory") struct UserMemoryTests {
    private let fixture = ProcessFixture()

    @Test("Across pages, through the process's own tables") func pages() throws {
        fixture.add(10, "some", memory: fixture.addMemory(Array((0..<32).map { UInt8($0) })))
        let memory = try UserMemory(fixture.machine.kernel(), process: 10)
        #expect(try memory.bytes(at: VirtualAddress(0x40_0FF0), count: 32) == (0..<32).map { UInt8($0) })
        #expect(try memory.load(UInt32.self, at: VirtualAddress(0x40_0FFE)) == 0x1110_0F0E)
        #expect(throws: ReadError.notMapped(VirtualAddress(0x40_2000))) {
            try memory.bytes(at: VirtualAddress(0x40_1FFF), count: 2)
        }
    }

    @Test("The kernel's half is none of it, and counts have a limit") func limits() throws {
        fixture.add(10, "some", memory: fixture.addMemory([1]))
        let memory = try UserMemory(fixture.machine.kernel(), process: 10)
        // The process's tables map the kernel too: here by the same lower tables as the process's page.
        let kernelAddress = KernelFixture.place(0x40_0000)
        fixture.machine.store(0x81007, at: KernelFixture.place(0x80000 + 273 * 8))
        #expect(throws: ReadError.notMapped(kernelAddress)) { try memory.bytes(at: kernelAddress, count: 1) }
        #expect(throws: ReadError.tooMuch) { try memory.bytes(at: .null, count: .max) }
        #expect(throws: ReadError.tooMuch) { try memory.bytes(at: .null, count: -1) }
    }

    @Test("Who has none is told why") func none() throws {
        fixture.add(2, "kthreadd", flags: 0x0020_0000)
        fixture.add(3, "gone")
        let kernel = try fixture.machine.kernel()
        for (pid, why) in [
            (2, "process 2 is a thread of the kernel: it has no memory of its own"),
            (3, "process 3 has ended: its memory is gone"), (4, "the guest has no process 4"),
        ] as [(Int32, String)] {
            #expect(throws: IntrospectionError.notFound(why)) { try UserMemory(kernel, process: pid) }
        }
    }
}
