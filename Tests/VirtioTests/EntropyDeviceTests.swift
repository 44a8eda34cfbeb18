import Devices
import Foundation
import GuestMemory
import HostSystem
import MachineTesting
import Stages
import Testing
import Virtio

@Suite("virtio entropy")
struct EntropyDeviceTests {
    private static func ask(_ driver: GuestDriver, _ size: UInt32) throws -> UInt64 {
        let buffer = driver.allocate(UInt64(size))
        try driver.queues[0].offer([
            GuestDescriptor(address: buffer, length: size, flags: GuestDescriptor.write)
        ])
        driver.notify(0)
        return buffer
    }

    private static func device(
        _ source: consuming EntropySource = .kernel(), _ limit: TokenBucket? = nil
    ) throws -> (GuestDriver, EntropyDevice) {
        var made: EntropyDevice?
        var source: EntropySource? = consume source
        let driver = try GuestDriver(name: "rng") {
            let device = try EntropyDevice($0, source: source.take() ?? .kernel(), limit: limit)
            made = device
            return device
        }
        try driver.start()
        return (driver, try #require(made))
    }

    /// Runs the loop until the driver has a chain back.
    private static func await(_ driver: GuestDriver) throws -> UInt32 {
        let ticker = Ticker(try TimerDescriptor())
        nonisolated(unsafe) let queue = driver.queues[0]
        let loop = driver.loop
        let registration = try loop.watch(ticker.timer.descriptor.number, for: .readable) { [loop] _ in
            ticker.timer.drain()
            // SAFETY: the loop runs on the thread that calls this function, and no longer.
            ticker.written.withLock { written in
                if let used = unsafe try? queue.takeUsed() {
                    written = used.written
                    loop.stop()
                }
            }
        }
        ticker.timer.set(afterNanoseconds: 100_000, every: 1_000_000)
        loop.run()
        loop.unwatch(registration)
        return try #require(ticker.written.withLock { $0 })
    }

    private final class Ticker: Sendable {
        let timer: TimerDescriptor
        let written = Guarded<UInt32?>(nil)
        init(_ timer: consuming TimerDescriptor) { self.timer = timer }
    }

    @Test("beyond the limit a request waits, and is served in time without another notification")
    func limited() throws {
        let now = HostClock.monotonicNanoseconds()
        let (driver, device) = try Self.device(
            .kernel(), TokenBucket(rate: 100_000, burst: 1000, at: now))
        _ = try Self.ask(driver, 4096)
        #expect(try driver.queues[0].takeUsed()?.written == 4096, "a debt is made by a full bucket")
        _ = try Self.ask(driver, 64)
        #expect(try driver.queues[0].takeUsed() == nil)
        #expect(try Self.await(driver) == 64)
        // 4096 bytes are 1000 of the burst and 31 ms of the rate.
        #expect(HostClock.monotonicNanoseconds() - now >= 30_000_000)
        #expect(device.givenBytes == 4160)
    }

    @Test("a limit of its own time is lifted for who waits already")
    func lifted() throws {
        let (driver, device) = try Self.device(
            .kernel(), TokenBucket(rate: 1, burst: 1, at: HostClock.monotonicNanoseconds()))
        _ = try Self.ask(driver, 4096)
        _ = try driver.queues[0].takeUsed()
        _ = try Self.ask(driver, 64)
        #expect(try driver.queues[0].takeUsed() == nil)
        device.setLimit(bytesPerSecond: 0, burst: nil)
        #expect(try Self.await(driver) == 64)
        #expect(device.limit == nil)
    }

    @Test("a file is read as it is, and a request waits when it is at its end")
    func file() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/source"
        try Data((0..<100).map { UInt8($0) }).write(to: URL(filePath: path))
        let (driver, device) = try Self.device(try .file(path))
        let buffer = try Self.ask(driver, 4096)
        #expect(try driver.queues[0].takeUsed()?.written == 100, "less than was asked for")
        #expect(try driver.memory.bytes(at: GuestAddress(buffer), count: 100) == (0..<100).map { UInt8($0) })
        let calls = driver.loop.calls
        for _ in 0..<3 { _ = try Self.ask(driver, 16) }
        #expect(try driver.queues[0].takeUsed() == nil)
        driver.loop.enqueue { [loop = driver.loop] in loop.enqueue { loop.enqueue { loop.stop() } } }
        driver.loop.run()
        #expect(driver.loop.calls - calls < 10, "it does not try again and again")
        #expect(driver.log.count == 1)
        #expect(driver.log[0].hasSuffix("source has come to its end; the guest waits for random bytes"))
        #expect(device.givenBytes == 100)
    }

    @Test("a pipe that is empty makes the guest wait, until there is something")
    func pipe() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/pipe"
        let made = unsafe mkfifo(path, 0o600)
        try #require(made == 0)
        let source = try EntropySource.file(path)
        let writer = try OwnedDescriptor.open(path, O_WRONLY | O_NONBLOCK)
        let (driver, _) = try Self.device(source)
        _ = try Self.ask(driver, 64)
        #expect(try driver.queues[0].takeUsed() == nil)
        #expect(try DescriptorIO.write(writer.number, [1, 2, 3]) == 3)
        #expect(try Self.await(driver) == 3)
        #expect(driver.log.isEmpty)
    }

    @Test("a source that is not there is one clear error")
    func missing() throws {
        let error = #expect(throws: SystemError.self) { _ = try EntropySource.file("/nowhere/random") }
        #expect(error?.description == "cannot open /nowhere/random: No such file or directory")
        #expect(throws: SystemError.self) { _ = try EntropySource.file("/") }
    }

    @Test("a paused device gives nothing, and what was asked meanwhile afterwards")
    func paused() throws {
        let (driver, device) = try Self.device()
        device.pause()
        _ = try Self.ask(driver, 64)
        #expect(try driver.queues[0].takeUsed() == nil)
        device.resume()
        #expect(try driver.queues[0].takeUsed()?.written == 64)
    }

    @Test("limits change as people ask, and no others than it has")
    func control() throws {
        let (_, device) = try Self.device()
        let controller = EntropyController(device, id: "rng")
        try controller.setLimits(DeviceLimits(bytesPerSecond: 5000, burstBytes: 700))
        #expect(device.limit?.bytesPerSecond == 5000 && device.limit?.burst == 700)
        try controller.setLimits(DeviceLimits(bytesPerSecond: 0))
        #expect(device.limit == nil)
        #expect(throws: DeviceControlError.self) {
            try controller.setLimits(DeviceLimits(operationsPerSecond: 1))
        }
        #expect(throws: DeviceControlError.self) { try controller.setLimits(DeviceLimits(burstBytes: 1)) }
    }
}
