import Testing

@testable import LoadCurves

@Suite("Load curves")
struct LoadCurveTests {
    @Test(
        "Percentiles are within a sixteenth of the truth, and never below it",
        arguments: [1, 7, 1000, 123_457])
    func percentiles(scale: UInt64) throws {
        var histogram = LatencyHistogram()
        for value in 1...1000 as ClosedRange<UInt64> { histogram.record(nanoseconds: value * scale) }
        for (share, rank) in [(0.5, 500), (0.9, 900), (0.99, 990), (1, 1000)] as [(Double, UInt64)] {
            let found = try #require(histogram.percentile(share))
            #expect(found >= rank * scale && found <= rank * scale * 17 / 16 + 1)
        }
        #expect(histogram.count == 1000 && histogram.largest == 1000 * scale)
    }

    @Test("No times have no percentile, and the ends of the numbers have a place")
    func ends() {
        var histogram = LatencyHistogram()
        #expect(histogram.percentile(0.5) == nil)
        histogram.record(nanoseconds: 0)
        #expect(histogram.percentile(0.99) == 0)
        histogram.record(nanoseconds: .max)
        #expect(histogram.percentile(0) == 0 && histogram.percentile(1) == .max)
    }

    private func point(_ load: Double, _ throughput: Double, _ time: UInt64? = 1000, cost: UInt64? = nil)
        -> LoadPoint
    {
        LoadPoint(
            load: load, offered: load * 100, throughput: throughput, refused: 0, median: time,
            ninetieth: time, ninetyNinth: time, cost: cost)
    }

    @Test("What is left at the greatest load is a share of the best")
    func share() {
        let curve = LoadCurve([point(10, 90), point(1, 100), point(0.1, 10)])
        #expect(curve.peak == 100 && curve.shareAtTheEnd == 0.9)
        #expect(curve.costAtTheEnd == nil)
        #expect(LoadCurve([point(1, 1, cost: 10), point(5, 1, cost: 15)]).costAtTheEnd == 1.5)
        #expect(LoadCurve([]).shareAtTheEnd.isNaN)
        #expect(LoadPoint.median(of: [point(1, 5, nil), point(1, 9, 3), point(1, 7, 8)]) == point(1, 7, 8))
    }

    @Test("A drawing has every point at its place, and powers of ten at its edges")
    func drawing() {
        let plot = LogPlot(
            title: "t", [LogPlot.Series(mark: "*", points: [(0.1, 10), (1, 100), (10, 1000), (3, 0)])])
        #expect(
            plot.text(columns: 9, rows: 3) == """
                  t
                   1k +        *
                  100 +    *
                   10 +*
                      ++---+---+
                       0.1 1   10

                """)
        #expect(LogPlot(title: "t", []).text() == "  t: nothing\n")
    }
}
