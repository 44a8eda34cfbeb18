import Testing

@testable import Stats

@Suite("What the kernel tells of a process")
struct KernelTextTests {
    @Test("schedstat: what is neither run nor ready is wait")
    func times() {
        let times = ThreadTimes(schedstat: Array("1000 200 7\n".utf8), elapsed: 5000)
        #expect(times?.run == 1000 && times?.ready == 200 && times?.wait == 3800)
        #expect(ThreadTimes(schedstat: Array("1000 200 7\n".utf8), elapsed: 1100)?.wait == 0)
        #expect(ThreadTimes(schedstat: Array("\(UInt64.max) \(UInt64.max) 7\n".utf8), elapsed: 1)?.wait == 0)
        for text in ["", "1 2", "1 -2 3", "a b c", "1 2 3 4"] {
            #expect(ThreadTimes(schedstat: Array(text.utf8), elapsed: 1) == nil)
        }
    }

    @Test("smaps: the guest's pages are told from all others, also in a merged mapping")
    func memory() {
        let text = """
            00400000-00600000 r-xp 00000000 fe:00 12 /usr/bin/roost-vmm
            Size:               2048 kB
            Rss:                 100 kB
            VmFlags: rd ex mr mw me
            7f0000000000-7f0004001000 rw-p 00000000 00:00 0
            Rss:                2000 kB
            7f0004002000-7f0004003000 rw-p 00000000 00:00 0 [anon: a-b]
            Rss:                   4 kB

            """
        let memory = ResidentMemory(
            smaps: Array(text.utf8), guest: 0x7F00_0000_0000..<0x7F00_0400_0000)
        #expect(memory?.guest == 2000 << 10 && memory?.other == 104 << 10)
        #expect(ResidentMemory(smaps: [], guest: 0..<1) == nil)
        #expect(ResidentMemory(smaps: Array("Rss: 1 kB\n".utf8), guest: 0..<1) == nil)
        #expect(ResidentMemory(smaps: Array("1000-2000 rw\nRss: x kB\n".utf8), guest: 0..<1) == nil)
    }

    /// `KVM_GET_STATS_FD`'s bytes with a counter, a histogram and a time.
    static let statistics: [UInt8] = {
        func little<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
            (0..<MemoryLayout<Value>.size).map { UInt8(truncatingIfNeeded: value >> Value($0 * 8)) }
        }
        func name(_ text: String) -> [UInt8] {
            Array(text.utf8) + [UInt8](repeating: 0, count: 16 - text.utf8.count)
        }
        func descriptor(_ flags: UInt32, _ exponent: Int16, _ size: UInt16, _ offset: UInt32, _ text: String)
            -> [UInt8]
        {
            little(flags) + little(exponent) + little(size) + little(offset) + little(UInt32(0)) + name(text)
        }
        let header = [0, 16, 3, 24, 40, 136].flatMap { little(UInt32($0)) }
        let table =
            descriptor(0x00, 0, 1, 0, "exits") + descriptor(0x04, 0, 3, 8, "poll_hist")
            + descriptor(0x20, -9, 1, 32, "wait_ns")
        return header + name("kvm-1/vcpu-0") + table + [7, 1, 2, 3, 9].flatMap { little(UInt64($0)) }
    }()

    @Test("KVM's statistics are read by their own table")
    func kernelStatistics() throws {
        let statistics = try #require(KVMStatistics(Self.statistics))
        #expect(statistics.identity == "kvm-1/vcpu-0")
        #expect(statistics["exits"] == 7 && statistics["wait_ns"] == 9)
        #expect(statistics["poll_hist"] == nil && statistics.values[1].cells == [1, 2, 3])
        #expect(statistics.values.map(\.kind) == [.cumulative, .logarithmicHistogram, .cumulative])
        #expect(statistics.values[2].unit == .seconds && statistics.values[2].exponent == -9)
    }

    @Test("KVM's statistics that are cut short, or are any bytes, are refused or read, and nothing else")
    func hostileStatistics() {
        for count in 0..<Self.statistics.count {
            #expect(KVMStatistics(Array(Self.statistics.prefix(count))) == nil)
        }
        var random = SystemRandomNumberGenerator()
        var refused = 0
        for _ in 0..<20_000 {
            var bad = Self.statistics
            for _ in 0..<3 {
                bad[Int.random(in: 0..<bad.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if KVMStatistics(bad) == nil { refused += 1 }
        }
        #expect(refused > 100)
    }
}
