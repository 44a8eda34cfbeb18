import HostSystem
import Stats
import Synchronization
import Testing

@testable import Stages

@Suite("FairQueue and FairStage")
struct FairStageTests {
    private func queue(clients: Int = 8, events: Int = 100, each: Int = 50) -> FairQueue<Int, Int> {
        FairQueue(limits: FairLimits(clients: clients, events: events, turns: 1)) { _ in
            AdmissionRule(queueLimit: each)
        }
    }

    @Test("One with a single event is not behind one with many")
    func turns() {
        var queue = queue()
        for event in 0..<6 { #expect(queue.submit(event, from: 1, at: 0) == .admitted) }
        #expect(queue.submit(100, from: 2, at: 0) == .admitted)
        var order: [Int] = []
        while let (client, _, _) = queue.take() {
            order.append(client)
            queue.finish(client, nanoseconds: 1, at: 1)
        }
        #expect(order.prefix(2).sorted() == [1, 2] && order.count == 7)
    }

    @Test("One who comes back after each answer gets half, whatever the other has waiting")
    func comesBack() {
        var queue = queue()
        var served = [0, 0]
        var isAway = false
        _ = queue.submit(1, from: 1, at: 0)
        for _ in 0..<1000 {
            while queue.count < 40 { _ = queue.submit(0, from: 0, at: 0) }
            guard let (client, _, _) = queue.take() else { break }
            served[client] += 1
            queue.finish(client, nanoseconds: 1, at: 1)
            // It is back while the other is served.
            if isAway { _ = queue.submit(1, from: 1, at: 0) }
            isAway = client == 1
        }
        #expect(abs(served[0] - served[1]) <= 20, "\(served)")
    }

    @Test("Who was away saves up nothing")
    func noCredit() {
        var queue = queue()
        for _ in 0..<30 {
            _ = queue.submit(0, from: 0, at: 0)
            if let (client, _, _) = queue.take() { queue.finish(client, nanoseconds: 1, at: 1) }
        }
        for _ in 0..<10 {
            _ = queue.submit(0, from: 0, at: 0)
            _ = queue.submit(1, from: 1, at: 0)
        }
        let order = (0..<10).compactMap { _ in queue.take()?.client }
        #expect(order.count { $0 == 1 } <= 6, "\(order)")
    }

    @Test("A client's queue, all queues and the number of clients are bounded")
    func bounds() {
        var queue = queue(clients: 2, events: 5, each: 3)
        for _ in 0..<3 { #expect(queue.submit(0, from: 1, at: 0) == .admitted) }
        #expect(queue.submit(0, from: 1, at: 0) == .refused(.queueFull))
        for _ in 0..<2 { #expect(queue.submit(0, from: 2, at: 0) == .admitted) }
        #expect(queue.submit(0, from: 2, at: 0) == .refused(.queueFull))
        #expect(queue.count == 5)
        var taken: [Int] = []
        while let (client, _, _) = queue.take() { taken.append(client) }
        // Two whose events are under way: a third has no place.
        #expect(queue.submit(0, from: 3, at: 0) == .refused(.queueFull) && queue.clients == 2)
        for client in taken { queue.finish(client, nanoseconds: 1, at: 1) }
        #expect(queue.submit(0, from: 3, at: 0) == .admitted && queue.clients == 2)
    }

    @Test("One client's slowness takes nothing from another's rate")
    func ownRules() {
        var queue = FairQueue<Int, Int>(limits: FairLimits(clients: 4, events: 100, turns: 1)) { now in
            AdmissionRule(
                queueLimit: 50, target: ResponseTarget(nanoseconds: 1000, rates: 1...1000, at: now))
        }
        var now: UInt64 = 1_000_000_000
        var refused = 0
        for _ in 0..<5000 {
            now += 1_000_000
            if queue.submit(0, from: 1, at: now) != .admitted { refused += 1 }
            if let (client, _, _) = queue.take() { queue.finish(client, nanoseconds: 900_000, at: now) }
        }
        #expect(refused > 1000)
        #expect(queue.submit(0, from: 2, at: now) == .admitted)
    }

    private final class Turns: Sendable {
        let held = Mutex<[(Int, FairTurn)]>([])
    }

    @Test("As many turns at a time as there are, and the next begins when one ends")
    func stage() throws {
        let loop = try EventLoop()
        let section = try StatsPage.detachedSection(StageShape.usual.shape)
        let turns = Turns()
        let stage = FairStage<Int, Int>(
            on: loop, limits: FairLimits(clients: 4, events: 10, turns: 2),
            rule: { _ in AdmissionRule(queueLimit: 5) }, meter: StageMeter(section)
        ) { event, turn in turns.held.withLock { $0.append((event, turn)) } }
        func goRoundOnce() {
            loop.stop()
            loop.run()
        }
        for event in 0..<5 { #expect(stage.submit(event, from: 1) == .admitted) }
        #expect(stage.submit(5, from: 1) == .refused(.queueFull))
        goRoundOnce()
        #expect(turns.held.withLock { $0.map(\.0) } == [0, 1])
        goRoundOnce()
        #expect(turns.held.withLock { $0.count } == 2 && stage.queueLength == 3 && stage.underWay == 5)
        let first = turns.held.withLock { $0.removeFirst().1 }
        first.end()
        first.end()
        goRoundOnce()
        #expect(turns.held.withLock { $0.map(\.0) } == [1, 2])
        // A turn nobody holds any more is over.
        turns.held.withLock { $0.removeAll() }
        goRoundOnce()
        #expect(turns.held.withLock { $0.map(\.0) } == [3, 4] && stage.queueLength == 0)
        turns.held.withLock { $0.removeAll() }
        #expect(stage.underWay == 0)
        let shape = StageShape.usual
        #expect(section[shape.completions].value == 5 && section[shape.refusals].value == 1)
    }
}
