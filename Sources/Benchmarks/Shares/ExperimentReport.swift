internal import HostSystem

/// What the experiments with shares have in common: what they are asked, and how they tell.
struct ExperimentReport {
    let seconds: Double
    private let drawing: String?
    private var table: Table

    init(_ options: Options, title: String, columns: [String]) throws(BenchmarkError) {
        seconds = Double(try options.number("seconds", default: 10))
        drawing = options.text("svg")
        table = Table(columns)
        print(title)
        print("")
    }

    mutating func add(_ row: [String]) { table.add(row) }

    /// Prints the table.
    func show() { print(table.text) }

    /// Draws, if that is wanted.
    func draw(_ chart: ShareChart) throws {
        if let drawing { try chart.write(drawing) }
    }

    /// Parts in hundredths, one after another: `66.7 33.3`.
    static func percents(_ parts: [Double]) -> String {
        parts.map { ($0 * 100).fixed(1) }.joined(separator: " ")
    }

    /// Lines of each machine's part over time, and of what it should have.
    static func lines(
        _ recording: ShareRecording, _ names: [String], window: Double = 0.25
    ) -> [ShareChart.Line] {
        let windows = recording.windows(window)
        return names.indices.map { index in
            ShareChart.Line(
                name: names[index], points: windows.map { ($0.time + window / 2, $0.parts[index] * 100) })
        }
    }
}
