import Testing

@testable import Resources

@Suite("Demand")
struct DemandTests {
    private let second: UInt64 = 1_000_000_000

    private func demand(
        _ used: UInt64, ready: UInt64 = 0, limited: UInt64 = 0, elapsed: UInt64 = 1000, virtualCPUs: Int = 1
    ) -> String? {
        DemandEstimator.demand(
            of: CPUTimes(used: used, ready: ready, limited: limited), elapsed: elapsed,
            virtualCPUs: virtualCPUs)?
            .description
    }

    @Test("Demand is what was used and the fair part of the time waited")
    func formula() {
        #expect(demand(0) == "0")
        #expect(demand(250) == "0.25")
        #expect(demand(300, ready: 700) == "1")
        // It ran 200 of the 800 in which it did not wait: so of the 200 waited it would have run 50.
        #expect(demand(200, ready: 200) == "0.25")
        #expect(demand(200, ready: 100, limited: 100) == "0.25")
        #expect(demand(1000, ready: 1000, elapsed: 1000, virtualCPUs: 2) == "2")
        #expect(demand(0, ready: 400) == "0.4")
    }

    @Test("Times that cannot be count as all there is, and no time says nothing")
    func impossible() {
        #expect(demand(.max, ready: .max, limited: .max, virtualCPUs: 3) == "3")
        #expect(demand(.max, elapsed: .max, virtualCPUs: Int.max) == "1")
        #expect(demand(.max / 2, ready: .max / 2, elapsed: .max) == "1")
        // The longest of all, of which nothing was slept: a line of a journal may say so.
        #expect(demand(.max, ready: .max, limited: .max, elapsed: .max, virtualCPUs: 3) == "3")
        #expect(demand(.max, ready: .max, limited: .max, elapsed: .max, virtualCPUs: 4) == "2")
        #expect(demand(10, elapsed: 0) == nil)
        #expect(demand(1000, virtualCPUs: .min) == "1")
    }

    @Test("The estimate rises with the fast average and falls with the slow one")
    func asymmetry() throws {
        let spans = try #require(DemandSpans(fast: second, slow: 10 * second, trend: 60 * second))
        var estimator = DemandEstimator()
        #expect(estimator.demand == nil)
        func observe(_ used: UInt64, seconds: Int) -> Double {
            for _ in 0..<seconds * 10 {
                estimator.observe(
                    CPUTimes(used: used, ready: 0), elapsed: second / 10, virtualCPUs: 1, spans: spans)
            }
            return Double(estimator.demand?.microCPUs ?? -1) / 1e6
        }
        #expect(observe(0, seconds: 1) == 0)
        let risen = observe(second / 10, seconds: 3)
        #expect(risen > 0.9 && risen < 1)
        #expect(observe(second / 10, seconds: 60) > 0.99)
        let falling = observe(0, seconds: 3)
        #expect(falling > 0.7 && falling < 0.8)
        #expect(observe(0, seconds: 60) < 0.01)
        // A minute of all and a minute of nothing: (1 - 1/e) / e.
        #expect((200_000...260_000).contains(estimator.trend?.microCPUs ?? 0))
    }

    @Test("An estimate stays between the least and the greatest demand seen, for any lengths of intervals")
    func between() {
        for seed in 0..<500 as Range<UInt64> {
            var random = SeededNumbers(seed: seed)
            var estimator = DemandEstimator()
            var (least, greatest) = (CPUAmount.maximum, CPUAmount.zero)
            for _ in 0..<50 {
                let elapsed = random.next() >> UInt64(random.below(64))
                let times = CPUTimes(
                    used: random.next() >> UInt64(random.below(64)),
                    ready: random.next() >> UInt64(random.below(64)),
                    limited: random.next() >> UInt64(random.below(64)))
                estimator.observe(times, elapsed: elapsed, virtualCPUs: 1 + random.below(9000), spans: .usual)
                _ = DemandEstimator.demand(of: times, elapsed: elapsed, virtualCPUs: 4)
            }
            estimator = DemandEstimator()
            for _ in 0..<50 {
                let elapsed = 1 + random.next() >> UInt64(1 + random.below(63))
                let times = CPUTimes(used: random.next() % elapsed, ready: random.next() % elapsed)
                guard let one = DemandEstimator.demand(of: times, elapsed: elapsed, virtualCPUs: 2) else {
                    continue
                }
                (least, greatest) = (min(least, one), max(greatest, one))
                estimator.observe(times, elapsed: elapsed, virtualCPUs: 2, spans: .usual)
                let demand = estimator.demand ?? .zero
                // Averages lose less than a millionth by rounding down.
                #expect(demand.microCPUs >= least.microCPUs - 1 && demand <= greatest, "seed \(seed)")
            }
        }
    }

    @Test("Spans rise, within a day")
    func spans() {
        #expect(DemandSpans(fast: 1, slow: 2, trend: 3) != nil)
        #expect(DemandSpans(fast: 0, slow: 2, trend: 3) == nil)
        #expect(DemandSpans(fast: 2, slow: 2, trend: 3) == nil)
        #expect(DemandSpans(fast: 1, slow: 2, trend: DemandSpans.longest + 1) == nil)
    }
}
