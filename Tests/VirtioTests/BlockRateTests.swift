import HostSystem
import MachineTesting
import Stages
import Stats
import Testing
import Virtio

@Suite("Disk: limits")
struct BlockRateTests {
    private func limited(_ change: (inout BlockRates) -> Void) throws -> TestDisk {
        try TestDisk(contents: TestDisk.pattern(1 << 20)) { change(&$0.rates) }
    }

    private func offerReads(_ disk: TestDisk, _ count: Int, bytes: Int = 512) throws {
        for number in 0..<count {
            _ = try disk.offer(TestDisk.header(0, UInt64(number * 8)), writable: bytes)
        }
    }

    /// A lower bound of time cannot fail because a host is busy.
    private func nanoseconds(_ body: () throws -> Void) rethrows -> UInt64 {
        let start = HostClock.monotonicNanoseconds()
        try body()
        return HostClock.monotonicNanoseconds() - start
    }

    @Test("operations beyond the burst wait for their time")
    func operations() throws {
        let disk = try limited {
            $0.operationsPerSecond = 200
            $0.burstOperations = 4
        }
        try offerReads(disk, 20)
        // The first 4 at once; a fifth goes into debt; 15 more, one each 5 ms.
        #expect(try nanoseconds { _ = try disk.finish(20) } >= 70_000_000)
        #expect(disk.device.counters.throttled.value > 0)
        #expect(disk.device.counters.reads.value == 20)
    }

    @Test("bytes beyond the burst wait for their time, and a request greater than the burst passes")
    func bytes() throws {
        let disk = try limited {
            $0.bytesPerSecond = 1 << 20
            $0.burstBytes = 4096
        }
        try offerReads(disk, 4, bytes: 32768)
        // 128 KiB, of which the last and the burst need not be there: 92 KiB at 1 MiB a second.
        #expect(try nanoseconds { _ = try disk.finish(4) } >= 85_000_000)
        #expect(disk.device.counters.readBytes.value == 131_072)
    }

    @Test("a limit that is lifted lets what waits go at once; one that is set holds from the next request")
    func change() throws {
        let disk = try limited {
            $0.operationsPerSecond = 1
            $0.burstOperations = 1
        }
        // At this rate the rest would take more than the test may.
        try offerReads(disk, 15)
        _ = try disk.finish(1)
        disk.device.setRates(BlockRates())
        #expect(try disk.finish(13).count >= 13)
        var slow = BlockRates()
        slow.operationsPerSecond = 100
        slow.burstOperations = 1
        disk.device.setRates(slow)
        #expect(disk.device.rates == slow)
        try offerReads(disk, 6)
        #expect(try nanoseconds { _ = try disk.finish(6) } >= 35_000_000)
    }

    @Test("a reset, a pause and an end while a request waits for a limit are no trouble")
    func resetWhileWaiting() throws {
        let disk = try limited {
            $0.operationsPerSecond = 1
            $0.burstOperations = 1
        }
        try offerReads(disk, 5)
        disk.driver.notify(0)
        disk.device.pause()
        disk.driver.setRegister(0x70, 0)
        disk.device.resume()
        disk.device.setRates(BlockRates())
        try disk.start()
        #expect(try disk.read(0, count: 512) != nil)
    }

    /// What the device does, with a clock of the test's and a host that is late: a request that must wait is
    /// tried again at the time it was told, or up to `lateness` after it.
    private func served(
        _ limiter: RateLimiter, bytes: UInt64, seconds: UInt64, lateness: UInt64, seed: UInt64
    ) -> UInt64 {
        var limiter = limiter
        var random = SeededGenerator(seed: seed)
        var now: UInt64 = 0
        var count: UInt64 = 0
        while now < seconds * 1_000_000_000 {
            switch limiter.take(bytes: bytes, at: now) {
            case .granted:
                count += 1
                // A request takes its time, too.
                now += UInt64.random(in: 1000...20000, using: &random)
            case .notBefore(let time):
                now = time + UInt64.random(in: 0...lateness, using: &random)
            case .never:
                return count
            }
        }
        return count
    }

    @Test(
        "rates are held to 5 percent by late timers, 10 operations in 10 ms among them",
        arguments: [(10, 10), (1000, 10), (1000, 1), (50, 1), (20_000, 100)] as [(UInt64, UInt64)])
    func operationAccuracy(rate: UInt64, burst: UInt64) {
        let limiter = RateLimiter(operations: TokenBucket(rate: rate, burst: burst, at: 0))
        // As late as timers are, but not by more than the burst lasts: that the bucket loses by intent.
        let lateness = min(100_000, burst * 1_000_000_000 / rate)
        let count = served(limiter, bytes: 4096, seconds: 20, lateness: lateness, seed: rate)
        let wanted = Double(rate * 20)
        #expect(abs(Double(count) - wanted) <= max(wanted * 0.05, Double(burst)), "\(count) of \(wanted)")
    }

    @Test(
        "bytes are held to 5 percent, also by requests greater than the burst",
        arguments: [4096, 65536, 1 << 20] as [UInt64])
    func byteAccuracy(size: UInt64) {
        let rate: UInt64 = 50 << 20
        let limiter = RateLimiter(bytes: TokenBucket(rate: rate, burst: 512 << 10, at: 0))
        let count = served(limiter, bytes: size, seconds: 20, lateness: 100_000, seed: size)
        #expect(abs(Double(count * size) / Double(rate * 20) - 1) <= 0.05)
    }
}
