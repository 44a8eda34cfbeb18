import Resources
import Testing

@Suite("Settings of mechanisms")
struct ScaleTests {
    @Test(
        "a limit becomes a quota that is exact to a microsecond",
        arguments: [
            ("0.3", 30_000, 100_000), ("2", 200_000, 100_000), ("0.005", 1_000, 200_000),
            ("0.333333", 33_333, 100_000),
            ("0.0001", 1_000, 1_000_000), ("1000000", 100_000_000_000, 100_000),
        ])
    func bandwidth(_ text: String, _ quota: Int, _ period: Int) throws {
        let bandwidth = Bandwidth(limit: try CPUAmount(parsing: text))
        #expect(bandwidth.quota == quota)
        #expect(bandwidth.period == period)
    }

    @Test("every limit becomes a quota that the kernel takes, within a thousandth of what was meant")
    func bandwidthRange() throws {
        var micro: Int64 = 1000
        while micro < CPUAmount.greatest {
            let bandwidth = Bandwidth(limit: CPUAmount(clamping: micro))
            #expect(bandwidth.quota >= 1000 && (1000...1_000_000).contains(bandwidth.period))
            let enforced = Double(bandwidth.quota) / Double(bandwidth.period)
            #expect(abs(enforced * 1e6 / Double(micro) - 1) <= 0.001)
            micro += micro / 3 + 1
        }
    }

    @Test("the nearest nice value is never further than half a step")
    func niceSteps() {
        let scale = WeightScale.nice(-20...19)
        for weight in stride(from: 15.0, through: 88761, by: 7) {
            let ratio = scale.weight(of: scale.nearest(to: weight)) / weight
            #expect((0.87...1.15).contains(ratio))
        }
    }

    @Test(
        "weights beyond the ends become the ends",
        arguments: [WeightScale.cgroupV2, .cgroupV1, .nice(0...19)])
    func ends(_ scale: WeightScale) {
        for weight in [-Double.infinity, -1, 0, 1e300, Double.infinity, Double.nan] {
            let setting = scale.nearest(to: weight)
            switch scale {
            case .proportional(let range), .nice(let range): #expect(range.contains(setting))
            }
        }
    }

    @Test("a weight is exact where the steps are")
    func exact() {
        #expect(WeightScale.cgroupV2.nearest(to: 700) == 700)
        #expect(WeightScale.nice(-20...19).nearest(to: 1024) == 0)
        #expect(WeightScale.nice(-20...19).neighbours(of: 900) == (1, 0))
    }
}
