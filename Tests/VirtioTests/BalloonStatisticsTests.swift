import GuestMemory
import HostSystem
import MachineTesting
import Stats
import Synchronization
import Testing

@testable import Virtio

@Suite("balloon: statistics")
struct BalloonStatisticsTests {
    @Test("all tags of the specification and of Linux come through, in any order; others are passed over")
    func tags() throws {
        let driver = try BalloonDriver()
        let before = HostClock.monotonicNanoseconds()
        try driver.tell((0..<40).reversed().map { (UInt16($0), UInt64($0) << 33 | 5) } + [(0xFFFF, 1)])
        let statistics = driver.balloon.guestStatistics
        #expect(GuestStatistic.allCases.count == 16)
        for statistic in GuestStatistic.allCases {
            let entry = try #require(statistics[statistic])
            #expect(entry.value == UInt64(statistic.rawValue) << 33 | 5)
            #expect(entry.time >= before && entry.time <= HostClock.monotonicNanoseconds())
        }
        #expect(statistics.reports == 1)
    }

    @Test("a guest that tells less keeps what it told before, until the reset")
    func partial() throws {
        let driver = try BalloonDriver()
        try driver.tell([(4, 100), (5, 200)])
        let first = driver.balloon.guestStatistics
        try driver.tell([(4, 101)])
        #expect(driver.balloon.guestStatistics[.free]?.value == 101)
        #expect(driver.balloon.guestStatistics[.total] == first[.total])
        try driver.tell([])
        #expect(driver.balloon.guestStatistics.reports == 3)
        driver.guest.setRegister(0x70, 0)
        #expect(GuestStatistic.allCases.allSatisfy { driver.balloon.guestStatistics[$0] == nil })
        try driver.start()
        #expect(driver.balloon.guestStatistics.reports == 0)
    }

    @Test("the buffer is kept until the guest is asked, and a second one sends the first back")
    func kept() throws {
        let driver = try BalloonDriver { $0.statisticsInterval = 0 }
        let queue = driver.guest.queues[driver.statisticsQueue]
        try driver.tell([(4, 1)])
        #expect(try queue.takeUsed() == nil)
        try driver.tell([(4, 2)])
        #expect(try queue.takeUsed()?.head == 0)
        #expect(try queue.takeUsed() == nil)
        #expect(driver.balloon.guestStatistics[.free]?.value == 2)
    }

    /// Runs the device's loop until a condition holds, or so many milliseconds have gone by on it.
    private func run(
        _ driver: BalloonDriver, ticks limit: Int = 10_000, until isOver: @escaping () -> Bool
    ) throws {
        let ticker = Ticker(try TimerDescriptor())
        let loop = driver.guest.loop
        nonisolated(unsafe) let isOver = isOver
        let registration = try loop.watch(ticker.timer.descriptor.number, for: .readable) { [loop] _ in
            ticker.timer.drain()
            let ticks = ticker.count.wrappingAdd(1, ordering: .relaxed).newValue
            // SAFETY: the loop runs on the thread that calls this function, and no longer.
            if unsafe isOver() || ticks > limit { loop.stop() }
        }
        ticker.timer.set(afterNanoseconds: 1_000_000, every: 1_000_000)
        loop.run()
        loop.unwatch(registration)
    }

    private final class Ticker: Sendable {
        let timer: TimerDescriptor
        let count = Atomic<Int>(0)
        init(_ timer: consuming TimerDescriptor) { self.timer = timer }
    }

    @Test("the guest is asked again and again, as often as is wished from now on")
    func asked() throws {
        let driver = try BalloonDriver { $0.statisticsInterval = 0 }
        let queue = driver.guest.queues[driver.statisticsQueue]
        try driver.tell([(4, 1)])
        driver.balloon.setStatisticsInterval(nanoseconds: 1_000_000)
        for round in 2...4 as ClosedRange<UInt64> {
            var isAsked = false
            try run(driver) {
                if (try? queue.takeUsed()) != nil { isAsked = true }
                return isAsked
            }
            #expect(isAsked)
            try driver.tell([(4, round)])
            #expect(driver.balloon.guestStatistics[.free]?.value == round)
        }
    }

    @Test("a paused balloon, and one whose interval is 0, asks nothing", arguments: [true, false])
    func quiet(isPaused: Bool) throws {
        let driver = try BalloonDriver { $0.statisticsInterval = 1_000_000 }
        let queue = driver.guest.queues[driver.statisticsQueue]
        if isPaused { driver.balloon.pause() } else { driver.balloon.setStatisticsInterval(nanoseconds: 0) }
        try driver.tell([(4, 1)])
        var isAsked = false
        try run(driver, ticks: 20) {
            if (try? queue.takeUsed()) != nil { isAsked = true }
            return isAsked
        }
        #expect(!isAsked)
        guard isPaused else { return }
        driver.balloon.resume()
        try run(driver) {
            if (try? queue.takeUsed()) != nil { isAsked = true }
            return isAsked
        }
        #expect(isAsked)
    }

    @Test("what the balloon holds and the guest tells stands on the stats page")
    func page() throws {
        let page = try StatsPage([StatsDeclaration("balloon", BalloonShape.usual.shape)], path: nil)
        let section = page.sections[0]
        var made: BalloonDevice?
        let driver = try GuestDriver { environment in
            let balloon = try BalloonDevice(
                DeviceEnvironment(
                    name: "balloon", memory: environment.memory, loop: environment.loop,
                    signals: environment.signals, log: environment.log, sections: [section]),
                BalloonConfiguration())
            made = balloon
            return balloon
        }
        let balloon = try #require(made)
        try driver.start()
        let list = driver.allocate(4096)
        try driver.memory.store(UInt32(0x800), at: GuestAddress(list))
        try driver.queues[0].offer([GuestDescriptor(address: list, length: 4)])
        driver.notify(0)
        driver.setRegister(0x104, 3)
        try balloon.setTarget(bytes: 1 << 20)
        let shape = BalloonShape.usual
        #expect(section[shape.held].value == 4096)
        #expect(section[shape.claimed].value == 12288)
        #expect(section[shape.target].value == 1 << 20)
        #expect(section[shape.calls].value == 1)
        driver.setRegister(0x70, 0)
        #expect(section[shape.held].value == 0)
    }
}
