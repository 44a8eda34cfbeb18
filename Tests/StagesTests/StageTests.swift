import HostSystem
import MachineTesting
import Stats
import Synchronization
import Testing

@testable import Stages

@Suite("Stage")
struct StageTests {
    private let loop: EventLoop
    private let section: StatsSection
    private let handled = Log()
    private let clock = Clock()

    private final class Log: Sendable {
        let batches = Mutex<[[Int]]>([])
        var events: [Int] { batches.withLock { Array($0.joined()) } }
    }

    private final class Clock: Sendable {
        let now = Atomic<UInt64>(1)
    }

    init() throws {
        loop = try EventLoop()
        section = try StatsPage.detachedSection(StageShape.usual.shape)
    }

    private func stage(
        limit: Int, batch: BatchController, cost: @escaping @Sendable (Int) -> UInt64 = { _ in 1 }
    )
        -> Stage<Int>
    {
        let (handled, clock) = (handled, clock)
        return Stage(
            on: loop, rule: AdmissionRule(queueLimit: limit), batch: batch, meter: StageMeter(section),
            clock: { clock.now.load(ordering: .relaxed) }
        ) { events in
            handled.batches.withLock { $0.append(events) }
            clock.now.wrappingAdd(cost(events.count), ordering: .relaxed)
        }
    }

    private func goRoundOnce() {
        loop.stop()
        loop.run()
    }

    private func number(_ slot: StatsSlot) -> Int { Int(section[slot].value) }

    @Test("Events are handled in order, in batches no larger than they may be, one batch a round")
    func batches() {
        let stage = stage(limit: 10, batch: BatchController(minimum: 4, maximum: 4))
        for event in 0..<10 { #expect(stage.submit(event) == .admitted) }
        #expect(stage.submit(10) == .refused(.queueFull))
        for left in [6, 2, 0, 0] {
            goRoundOnce()
            #expect(stage.queueLength == left)
        }
        #expect(handled.batches.withLock { $0 } == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]])
        let shape = StageShape.usual
        #expect(
            number(shape.arrivals) == 11 && number(shape.refusals) == 1 && number(shape.completions) == 10)
        #expect(number(shape.queueLength) == 0 && number(shape.queuePeak) == 10)
        #expect(number(shape.batches) == 3 && number(shape.batchLimit) == 4)
    }

    @Test("At ten times what it can do, a stage works at its peak, and its queue stays bounded")
    func overload() {
        // A wake-up costs 20 µs and an event 5 µs: at best a little less than 200,000 events a second.
        let cost: @Sendable (Int) -> UInt64 = { 20_000 + 5000 * UInt64($0) }
        let stage = stage(limit: 1000, batch: BatchController(maximum: 256), cost: cost)
        let peak = 256.0 / Double(cost(256))
        var results: [Double] = []
        for load in [1.0, 2, 10] {
            let start = clock.now.load(ordering: .relaxed)
            let before = handled.events.count
            var (sent, lengths) = (0, 0)
            for _ in 0..<3000 {
                let now = clock.now.load(ordering: .relaxed)
                while Double(sent) < load * peak * Double(now - start) + 1 {
                    sent += 1
                    stage.submit(sent)
                }
                lengths = max(lengths, stage.queueLength)
                goRoundOnce()
            }
            #expect(lengths <= 1000)
            let time = Double(clock.now.load(ordering: .relaxed) - start)
            results.append(Double(handled.events.count - before) / time / peak)
        }
        #expect(results.allSatisfy { $0 >= 0.9 }, "of the peak: \(results)")
        let shape = StageShape.usual
        #expect(
            number(shape.arrivals) - number(shape.refusals) == number(shape.completions) + stage.queueLength)
        #expect(number(shape.queuePeak) == 1000)
    }

    @Test("Every event that many threads submit is handled once, in each thread's order, or refused")
    func threads() throws {
        let (loop, log) = (loop, Monitor<[Int]>([]))
        let stage = Stage<Int>(
            on: loop, rule: AdmissionRule(queueLimit: 64), batch: BatchController(maximum: 16),
            meter: StageMeter(section)
        ) { events in log.update { $0 += events } }
        final class Counter: Sendable {
            let refused = Atomic(0)
        }
        let counter = Counter()
        let thread = try HostThread(name: "loop") { loop.run() }
        let workers = try (0..<4).map { worker in
            try HostThread(name: "sender\(worker)") {
                for number in 0..<5000 where stage.submit(worker * 10_000 + number) != .admitted {
                    counter.refused.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        for worker in workers { worker.join() }
        let admitted = 20_000 - counter.refused.load(ordering: .relaxed)
        let events = log.wait { $0.count >= admitted ? $0 : nil }
        loop.stop()
        thread.join()
        #expect(events.count == admitted && Set(events).count == admitted && admitted >= 64)
        for worker in 0..<4 {
            let mine = events.filter { $0 / 10_000 == worker }
            #expect(mine == mine.sorted())
        }
        #expect(number(StageShape.usual.completions) == admitted)
        #expect(number(StageShape.usual.arrivals) == 20_000)
    }

    @Test("A stage that has ended takes nothing, handles nothing and keeps nothing")
    func end() {
        let stage = stage(limit: 4, batch: BatchController())
        stage.submit(1)
        stage.end()
        #expect(stage.submit(2) == .refused(.ended))
        #expect(stage.queueLength == 0)
        goRoundOnce()
        #expect(handled.events == [])
    }

    @Test("A rate that is changed while the stage lives holds at once")
    func rate() {
        let stage = stage(limit: 100, batch: BatchController())
        stage.changeRate(50)
        #expect(stage.submit(1) == .admitted && stage.submit(2) == .admitted)
        #expect(stage.submit(3) == .refused(.overRate(notBefore: 2)))
        stage.changeRate(nil)
        #expect(stage.submit(3) == .admitted)
    }
}
