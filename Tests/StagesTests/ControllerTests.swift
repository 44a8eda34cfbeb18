import MachineTesting
import Testing

@testable import Stages

@Suite("Controllers of a stage")
struct ControllerTests {
    /// A stage whose batch costs so much, and each event in it so much, in nanoseconds.
    struct Cost {
        var batch: UInt64
        var event: UInt64

        func time(_ count: Int) -> UInt64 { batch + event * UInt64(count) }
        func output(_ count: Int) -> Double { Double(count) / Double(time(count)) }
    }

    private func overload(_ controller: inout BatchController, _ cost: Cost, batches: Int) {
        for _ in 0..<batches {
            let size = controller.size
            controller.finish(count: size, left: 10_000, nanoseconds: cost.time(size))
        }
    }

    @Test(
        "Under a backlog the batch shrinks as far as the output allows, and not further",
        arguments: [0, 1000, 10_000, 100_000] as [UInt64], [100, 1000, 20_000] as [UInt64])
    func shrink(batch: UInt64, event: UInt64) {
        let cost = Cost(batch: batch, event: event)
        var controller = BatchController(maximum: 1024)
        var output = 0.0
        for round in 0..<4000 {
            overload(&controller, cost, batches: 16)
            if round >= 2000 { output += cost.output(controller.size) / 2000 }
        }
        #expect(output >= 0.9 * cost.output(1024))
        // A third of a percent of loss would still be kept at half the batch: so it did shrink.
        if cost.output(256) >= 0.97 * cost.output(1024) { #expect(controller.size <= 512) }
        if batch == 0 { #expect(controller.size == 1) }
    }

    @Test("When the backlog is gone the batch is the largest again; dearer events do not keep it there")
    func reset() {
        var controller = BatchController(maximum: 256)
        overload(&controller, Cost(batch: 100, event: 1000), batches: 5000)
        let small = controller.size
        #expect(small < 64)
        overload(&controller, Cost(batch: 1000, event: 10_000), batches: 20_000)
        #expect(controller.size < 64)
        for _ in 0..<32 { controller.finish(count: 1, left: 0, nanoseconds: 1000) }
        #expect(controller.size == 256)
    }

    @Test("Whatever it is told, the size stays in its limits")
    func limits() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let minimum = Int.random(in: 1...100, using: &random)
            let maximum = minimum + Int.random(in: 0...100, using: &random)
            var controller = BatchController(minimum: minimum, maximum: maximum)
            for _ in 0..<2000 {
                let count =
                    Bool.random(using: &random) ? controller.size : Int.random(in: -1...300, using: &random)
                controller.finish(
                    count: count, left: Int.random(in: 0...3, using: &random),
                    nanoseconds: [0, 1, 1000, .max].randomElement(using: &random) ?? 0)
                #expect((minimum...maximum).contains(controller.size))
            }
        }
    }

    @Test("A full queue and a used-up rate refuse, each with its reason, and a refusal uses nothing up")
    func admission() {
        var rule = AdmissionRule(queueLimit: 2, rate: TokenBucket(rate: 1000, burst: 3, at: 0))
        for _ in 0..<100 { #expect(rule.decide(queueLength: 2, at: 0) == .refused(.queueFull)) }
        for _ in 0..<3 { #expect(rule.decide(queueLength: 1, at: 0) == .admitted) }
        #expect(rule.decide(queueLength: 0, at: 0) == .refused(.overRate(notBefore: 1)))
        #expect(rule.decide(queueLength: 0, at: 1) == .admitted)
        rule.rate = TokenBucket(rate: 0, burst: 1, at: 1)
        #expect(rule.decide(queueLength: 0, at: 1) == .admitted)
        #expect(rule.decide(queueLength: 0, at: 2) == .refused(.overRate(notBefore: nil)))
        rule.rate = nil
        #expect(rule.decide(queueLength: 0, at: 2) == .admitted)
    }

    @Test("At ten times the load the 90th percentile comes to its target, and the output stays near the peak")
    func responseTarget() {
        // One server, 100 µs an event; ten events come in that time. The target is 5 ms: 50 events' wait.
        let service: UInt64 = 100_000
        let target = ResponseTarget(nanoseconds: 5_000_000, rates: 100...100_000, increment: 500, at: 0)
        var rule = AdmissionRule(queueLimit: 100_000, target: target)
        var waiting: [UInt64] = []
        var head = 0
        var free: UInt64 = 0
        var times: [UInt64] = []
        var (refused, others) = (0, 0)
        let end: UInt64 = 10_000_000_000
        for arrival in stride(from: 0, to: end, by: Int(service / 10)) {
            while head < waiting.count, max(free, waiting[head]) + service <= arrival {
                free = max(free, waiting[head]) + service
                rule.finish(nanoseconds: free - waiting[head], at: free)
                if arrival > end / 2 { times.append(free - waiting[head]) }
                head += 1
            }
            switch rule.decide(queueLength: waiting.count - head, at: arrival) {
            case .admitted: waiting.append(arrival)
            case .refused(.tooSlow): refused += 1
            case .refused: others += 1
            }
        }
        times.sort()
        let percentile = times[times.count * 9 / 10]
        #expect(percentile <= 2 * 5_000_000)
        #expect(Double(times.count) >= 0.8 * 50_000)
        #expect(refused > 800_000 && others == 0)
    }
}
